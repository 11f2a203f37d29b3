"""Calls under way are counted by owner, and nothing stays behind."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from wallet_project.kit.in_flight import InFlight

ACME, GLOBEX = 1, 2


def test_an_owner_has_as_many_as_allowed_and_does_not_hinder_another() -> None:
    calls = InFlight()
    assert [calls.enter(ACME, 2) for _ in range(3)] == [True, True, False]
    assert calls.enter(GLOBEX, 2)
    calls.leave(ACME)
    assert calls.enter(ACME, 2)
    assert (calls.of(ACME), calls.of(GLOBEX)) == (2, 1)


@given(st.lists(st.tuples(st.sampled_from([ACME, GLOBEX]), st.booleans()), max_size=60))
def test_the_counts_are_those_of_who_is_inside(steps: list[tuple[int, bool]]) -> None:
    calls = InFlight()
    inside: list[int] = []
    for owner, comes in steps:
        if comes and calls.enter(owner, 3):
            inside.append(owner)
        elif not comes and owner in inside:
            inside.remove(owner)
            calls.leave(owner)
        assert [calls.of(one) for one in (ACME, GLOBEX)] == [
            inside.count(one) for one in (ACME, GLOBEX)
        ]
        assert max(calls.of(ACME), calls.of(GLOBEX)) <= 3


def test_threads_that_come_at_once_are_no_more_than_allowed() -> None:
    calls = InFlight()
    together = threading.Barrier(32)

    def come() -> bool:
        together.wait(10)
        return calls.enter(ACME, 5)

    with ThreadPoolExecutor(32) as pool:
        came = [one.result(10) for one in [pool.submit(come) for _ in range(32)]]
    assert sum(came) == calls.of(ACME) == 5
