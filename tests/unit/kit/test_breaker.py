"""A dependency that is away is found out once, not by every caller."""

from __future__ import annotations

import time

from wallet_project.kit.breaker import Breaker


def test_it_lets_everybody_in_while_all_is_well() -> None:
    breaker = Breaker(retry_seconds=60)
    assert [breaker.allows() for _ in range(3)] == [True] * 3


def test_after_a_failure_nobody_asks_for_a_while() -> None:
    breaker = Breaker(retry_seconds=60)
    breaker.failed()
    assert [breaker.allows() for _ in range(3)] == [False] * 3


def test_then_one_caller_tries_and_the_others_wait_for_what_it_finds() -> None:
    breaker = Breaker(retry_seconds=0.05)
    breaker.failed()
    time.sleep(0.06)
    assert [breaker.allows() for _ in range(3)] == [True, False, False]


def test_a_success_lets_everybody_in_again() -> None:
    breaker = Breaker(retry_seconds=60)
    breaker.failed()
    breaker.succeeded()
    assert breaker.allows()


def test_what_has_changed_is_told_once() -> None:
    breaker = Breaker(retry_seconds=60)
    assert [breaker.succeeded(), breaker.failed(), breaker.failed()] == [False, True, False]
    assert [breaker.succeeded(), breaker.succeeded()] == [True, False]
