"""What the admin says of parts that are away, and what it shows then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import OperationalError, ProgrammingError
from django.test import RequestFactory

from events import lateness
from ledger.models import Posting
from wallet_project.back_office import degraded
from wallet_project.db_router import Router
from wallet_project.kit import replica, servers
from wallet_project.kit.breaker import Breaker
from wallet_project.kit.models import Heartbeat
from wallets.safeguards import switch


@pytest.fixture(autouse=True)
def _nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switch, "was_paused", lambda: False)
    monkeypatch.setattr(replica, "heartbeat_seen", lambda: None)
    monkeypatch.setattr(lateness, "known", timedelta)
    for one in servers.ALL:
        monkeypatch.setattr(one, "_probe", None)


def open_it(breaker: Breaker) -> None:
    while not breaker.failed():
        pass


def test_when_all_is_well_there_is_nothing_to_say() -> None:
    assert degraded.sentences() == []


@pytest.mark.parametrize("breaker", servers.ALL, ids=lambda one: one.dependency)
def test_each_part_that_is_away_has_a_sentence(breaker: Breaker) -> None:
    open_it(breaker)
    (sentence,) = degraded.sentences()
    assert breaker.dependency in sentence.lower()


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, []),
        (10, []),
        (
            185,
            [
                "Events are late: they wait in the outbox, the oldest for 3 min, and leave in "
                "order. Is a relay running, and Kafka up?"
            ],
        ),
    ],
)
def test_events_that_wait_are_told_with_their_age(
    monkeypatch: pytest.MonkeyPatch, seconds: int, told: list[str]
) -> None:
    monkeypatch.setattr(lateness, "known", lambda: timedelta(seconds=seconds))
    assert degraded.sentences() == told


def test_kafka_that_is_away_is_one_sentence_with_the_age(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lateness, "known", lambda: timedelta(minutes=2))
    open_it(servers.kafka)
    assert degraded.sentences() == [
        "Kafka is away; events wait in the outbox, the oldest for 2 min, and leave in order "
        "afterwards."
    ]


def test_a_primary_that_is_away_is_not_asked_how_late_events_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lateness, "look", lambda: pytest.fail("it was asked"))
    monkeypatch.setattr(lateness, "known", lambda: timedelta(hours=1))
    open_it(servers.primary)
    degraded.look()
    assert len(degraded.sentences()) == 1


def test_money_that_is_stopped_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switch, "was_paused", lambda: True)
    assert degraded.sentences() == [
        "All movements of money are stopped. Reads and events go on.",
    ]


@pytest.mark.parametrize(
    ("path", "error", "status"),
    [
        ("/admin/", OperationalError(2003, "gone"), 503),
        ("/admin/", servers.away("default"), 503),
        ("/admin/", ProgrammingError(1064, "wrong"), None),
        ("/admin/", ValueError("wrong"), None),
        ("/api/v1/wallets", OperationalError(2003, "gone"), None),
        ("/admin/", None, None),
    ],
)
def test_a_page_that_cannot_ask_says_what_is_degraded(
    rf: RequestFactory, path: str, error: Exception | None, status: int | None
) -> None:
    request = rf.get(path)
    answer = degraded.answer(request, error)
    assert (None if answer is None else answer.status_code) == status
    if answer is not None:
        assert answer.headers["Retry-After"] == "5"


def test_without_a_primary_everything_is_read_from_the_replica(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Connections(dict[str, object]):
        databases = ("default", "replica")

    class Connection:
        in_atomic_block = False

    monkeypatch.setattr("wallet_project.db_router.connections", Connections(default=Connection()))
    monkeypatch.setattr(replica, "is_fresh", lambda: False)
    reads: Callable[[type], str] = Router().db_for_read
    assert reads(Heartbeat) == reads(Posting) == "default"
    open_it(servers.primary)
    assert reads(Heartbeat) == reads(Posting) == "replica"
    assert Router().db_for_write(Heartbeat) == "default"
    Connection.in_atomic_block = True
    assert reads(Heartbeat) == "default"
