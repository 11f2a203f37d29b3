"""When a worker counts as deaf and leaves, and when it stays."""

from __future__ import annotations

import pytest
from celery import signals
from hypothesis import given
from hypothesis import strategies as st

from wallet_project.kit import worker_watch
from wallet_project.kit.worker_watch import Silence, is_deaf

PATIENCE = 20.0


@pytest.mark.parametrize(
    ("waiting", "at_work", "silent_seconds", "leaves"),
    [
        (1, False, 20.0, True),
        (310, False, 3_600.0, True),
        (1, False, 19.0, False),  # it may still be connecting
        (0, False, 3_600.0, False),  # there is nothing to hear
        (310, True, 3_600.0, False),  # a task that runs for long
    ],
)
def test_it_leaves_when_messages_have_waited_too_long_and_nothing_is_in_hand(
    waiting: int, at_work: bool, silent_seconds: float, leaves: bool
) -> None:
    found = is_deaf(
        waiting=waiting,
        at_work=at_work,
        silent_seconds=silent_seconds,
        patience_seconds=PATIENCE,
    )
    assert found is leaves


def _looks(silence: Silence, waiting: int | None, times: int) -> list[bool]:
    return [silence.look(waiting) for _ in range(times)]


def test_messages_that_nobody_takes_are_borne_for_twenty_seconds() -> None:
    assert _looks(Silence(PATIENCE), 5, 20) == [False] * 19 + [True]


def test_a_long_task_is_no_silence_and_what_follows_it_begins_anew() -> None:
    silence = Silence(PATIENCE)
    silence.begin()
    assert not any(_looks(silence, 5, 100))
    silence.end()
    # The first look finds that a task has just ended.
    assert _looks(silence, 5, 21) == [False] * 20 + [True]


@pytest.mark.parametrize("away", [None, 0])
def test_while_redis_is_away_or_its_queue_empty_nothing_adds_up(away: int | None) -> None:
    silence = Silence(PATIENCE)
    assert not any(_looks(silence, 5, 19))
    assert not any(_looks(silence, away, 100))
    assert _looks(silence, 5, 20) == [False] * 19 + [True]


def test_messages_that_are_taken_and_thrown_away_are_heard() -> None:
    """After an outage there is a pile of messages that have expired; no task begins for them."""
    silence = Silence(PATIENCE)
    for _ in range(100):
        silence.hear()
        assert not silence.look(5)


@given(st.lists(st.sampled_from(["hear", "begin", "end", "wait", "idle", "away"]), max_size=80))
def test_it_never_leaves_within_its_patience_of_a_sign(acts: list[str]) -> None:
    silence, quiet = Silence(5.0), 0
    for act in acts:
        if act in ("hear", "begin", "end"):
            getattr(silence, act)()
            quiet = 0
            continue
        leaves = silence.look({"wait": 3, "idle": 0, "away": None}[act])
        quiet = quiet + 1 if act == "wait" else 0
        assert not leaves or quiet >= 5
        assert not (leaves and silence.at_work)


def test_the_embedded_worker_is_not_watched() -> None:
    before = list(signals.worker_ready.receivers or ())
    worker_watch.install(broker_url="filesystem://", patience_seconds=20)
    assert list(signals.worker_ready.receivers or ()) == before
