"""A dependency that is away is found out once, not by every caller."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallet_project.kit.breaker import CALLS, FAILURES, Breaker, State


def until(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def opened() -> Breaker:
    breaker = Breaker("test", retry_seconds=60)
    while not breaker.failed():
        assert breaker.allows()
    return breaker


def test_it_lets_everybody_in_while_all_is_well() -> None:
    breaker = Breaker("test", retry_seconds=60)
    assert [breaker.allows() for _ in range(3)] == [True] * 3


@given(st.lists(st.booleans(), max_size=60))
def test_it_opens_when_half_of_the_last_ten_calls_have_failed_and_not_before(
    calls: list[bool],
) -> None:
    breaker = Breaker("test", retry_seconds=60)
    for number, well in enumerate(calls):
        _ = breaker.succeeded() if well else breaker.failed()
        last = calls[max(0, number + 1 - CALLS) : number + 1]
        assert breaker.is_open is (last.count(False) >= FAILURES)
        if breaker.is_open:
            assert not breaker.allows()
            return


def test_then_one_caller_tries_and_the_others_wait_for_what_it_finds() -> None:
    breaker = opened()
    assert [breaker.allows() for _ in range(3)] == [False] * 3
    breaker._next_try = 0.0  # a minute later
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: breaker.allows(), range(40))) == 1
    assert breaker.state is State.HALF_OPEN


def test_a_try_that_fails_opens_it_again() -> None:
    breaker = opened()
    breaker._next_try = 0.0
    assert breaker.allows()
    assert breaker.failed() is False  # it was no news
    assert breaker.state is State.OPEN
    assert not breaker.allows()


def test_a_success_lets_everybody_in_again_and_begins_to_count_anew() -> None:
    breaker = opened()
    assert breaker.succeeded() is True
    assert breaker.state is State.CLOSED
    assert [breaker.failed() for _ in range(FAILURES)] == [False] * (FAILURES - 1) + [True]


def test_what_has_changed_is_told_once() -> None:
    told: list[bool] = []
    breaker = Breaker("test", retry_seconds=60)
    breaker.on_change(lambda: told.append(breaker.is_open))
    for _ in range(CALLS):
        breaker.failed()
    for _ in range(CALLS):
        breaker.succeeded()
    assert told == [True, False]


def test_its_changes_are_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    opened().succeeded()
    assert [record.message for record in caplog.records] == ["breaker.open", "breaker.closed"]


def test_with_a_probe_nobody_who_calls_has_to_try() -> None:
    breaker = Breaker("test", retry_seconds=0.01, probe=lambda: False, suspect_seconds=60)
    while not breaker.failed():
        pass
    time.sleep(0.05)
    assert not any(breaker.allows() for _ in range(10))
    breaker.forget()  # which ends the thread as well


def test_a_single_failure_has_the_probe_look_until_it_is_certain() -> None:
    back = threading.Event()
    breaker = Breaker("test", retry_seconds=0.02, probe=back.is_set, suspect_seconds=0.01)
    breaker.failed()
    until(lambda: breaker.is_open)
    back.set()
    until(lambda: not breaker.is_open)
    assert breaker.allows()


def test_a_probe_that_finds_all_well_ends() -> None:
    asked: list[int] = []

    def probe() -> bool:
        asked.append(1)
        return True

    breaker = Breaker("test", retry_seconds=0.02, probe=probe, suspect_seconds=0.01)
    breaker.failed()
    until(lambda: bool(asked))
    time.sleep(0.1)
    assert asked == [1]
    assert not breaker.is_open
