"""A worker's loop outlives what heals by itself, and nothing else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest
from django.db import OperationalError, ProgrammingError

from wallet_project.kit.turns import take_turns

GONE = OperationalError(2006, "Server has gone away")


def turns(*outcomes: int | Exception) -> tuple[Callable[[], int], threading.Event, list[int]]:
    """Return a worker's turn with these outcomes, what stops it after the last, and its diary."""
    waiting = list(outcomes)
    stop = threading.Event()
    done: list[int] = []

    def turn() -> int:
        outcome = waiting.pop(0)
        if not waiting:
            stop.set()
        if isinstance(outcome, Exception):
            raise outcome
        done.append(outcome)
        return outcome

    return turn, stop, done


def test_a_worker_goes_on_when_the_database_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    turn, stop, done = turns(3, GONE, GONE, 4)
    with caplog.at_level(logging.WARNING):
        take_turns(turn, name="exports", idle_seconds=0, stop=stop)
    assert done == [3, 4]
    assert [record.message for record in caplog.records] == ["worker.database_away"] * 2


def test_a_mistake_in_a_statement_ends_the_worker() -> None:
    """Its supervisor starts it anew, and somebody reads why."""
    turn, stop, done = turns(3, ProgrammingError(1146, "Table 'exports' does not exist"), 4)
    with pytest.raises(ProgrammingError):
        take_turns(turn, name="exports", idle_seconds=0, stop=stop)
    assert done == [3]


def test_a_worker_that_found_nothing_waits_until_it_is_stopped() -> None:
    stop = threading.Event()
    worker = threading.Thread(
        target=take_turns,
        args=(lambda: 0,),
        kwargs={"name": "exports", "idle_seconds": 600, "stop": stop},
    )
    worker.start()
    stop.set()
    worker.join(5)
    assert not worker.is_alive()
