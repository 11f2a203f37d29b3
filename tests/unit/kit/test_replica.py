"""Which database a read asks, and which has the last word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import OperationalError, ProgrammingError

from events.models import OutboxEvent
from wallet_project.db_router import Router
from wallet_project.kit import breaker, clock, replica, servers
from wallet_project.kit.database import PRIMARY, REPLICA
from wallet_project.kit.models import Heartbeat
from wallet_project.kit.replica import Behind, Source

GONE = OperationalError(2003, "Can't connect")

Answer = str | Exception


@pytest.fixture(autouse=True)
def _two_databases(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Believe that there is a replica; nothing here asks it."""

    class Connection:
        in_atomic_block = False

        def close(self) -> None: ...

    monkeypatch.setattr(replica, "_may_ask_replica", lambda: True)
    monkeypatch.setattr(replica, "connections", {PRIMARY: Connection(), REPLICA: Connection()})
    for one in (servers.primary, servers.replica):
        monkeypatch.setattr(one, "_probe", lambda: False)
    replica.forget()
    yield
    replica.forget()


def asking(**answers: Answer) -> tuple[Callable[[Source], str], list[str]]:
    """Make a query that answers or fails by source, and the list of sources it has asked."""
    asked: list[str] = []

    def query(source: Source) -> str:
        name = "last_resort" if source.is_last_resort else source.using
        asked.append(name)
        answer = answers[name]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return query, asked


def test_the_replica_is_asked_first() -> None:
    query, asked = asking(replica="found")
    assert (replica.read(query), asked) == ("found", ["replica"])


@pytest.mark.parametrize("why", [Behind(), GONE, ProgrammingError(1146, "no such table")])
def test_the_primary_is_asked_when_the_replica_cannot_tell(why: Exception) -> None:
    query, asked = asking(replica=why, default="found")
    assert (replica.read(query), asked) == ("found", ["replica", "default"])


def test_a_replica_that_is_gone_is_not_asked_again_and_again() -> None:
    query, asked = asking(replica=GONE, default="found")
    for _ in range(breaker.FAILURES + 3):
        assert replica.read(query) == "found"
    assert asked.count("replica") == breaker.FAILURES


def test_while_the_primary_is_gone_the_replica_must_do() -> None:
    query, asked = asking(replica=Behind(), default=GONE, last_resort="old")
    for _ in range(breaker.FAILURES + 3):
        assert replica.read(query) == "old"
    # The last ones do not wait for the primary.
    assert asked.count("default") == breaker.FAILURES
    assert servers.is_read_only()


@pytest.mark.parametrize("why", [Behind(), GONE])
def test_what_nobody_can_tell_fails_with_the_primarys_failure(why: Exception) -> None:
    query, _ = asking(replica=why, default=GONE, last_resort=why)
    with pytest.raises(OperationalError) as raised:
        replica.read(query)
    assert raised.value is GONE


def test_without_a_replica_nobody_waits_for_a_primary_that_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replica, "_may_ask_replica", lambda: False)
    query, asked = asking(default=GONE)
    for _ in range(breaker.FAILURES + 3):
        with pytest.raises(OperationalError):
            replica.read(query)
    assert asked.count("default") == breaker.FAILURES


def test_a_wrong_query_is_nobodys_outage() -> None:
    wrong = ProgrammingError(1064, "syntax")
    query, asked = asking(replica=wrong, default=wrong)
    with pytest.raises(ProgrammingError):
        replica.read(query)
    assert asked == ["replica", "default"]


def test_what_must_be_fresh_begins_at_the_primary() -> None:
    query, asked = asking(default="found")
    assert (replica.read_primary_first(query), asked) == ("found", ["default"])
    query, asked = asking(default=GONE, last_resort="old")
    assert (replica.read_primary_first(query), asked) == ("old", ["default", "last_resort"])


def test_the_primary_need_not_prove_anything() -> None:
    Source(PRIMARY).need(False)
    with pytest.raises(Behind):
        Source(REPLICA).need(False)


def test_fresh_is_younger_than_ten_seconds_unless_nothing_else_is_left() -> None:
    old = clock.now() - timedelta(seconds=10)
    young = clock.now() - timedelta(seconds=9)
    assert Source(REPLICA).is_fresh(young)
    assert not Source(REPLICA).is_fresh(old)
    assert not Source(REPLICA).is_fresh(None)
    assert Source(REPLICA, is_last_resort=True).is_fresh(old)


@pytest.mark.parametrize(
    ("model", "fresh", "database"),
    [
        (OutboxEvent, True, REPLICA),
        (OutboxEvent, False, PRIMARY),
        (Heartbeat, True, PRIMARY),
    ],
)
def test_what_names_no_database_is_routed(
    model: type, fresh: bool, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica, "is_fresh", lambda: fresh)
    assert Router().db_for_read(model) == database
    assert Router().db_for_write(model) == PRIMARY
    assert not Router().allow_migrate(REPLICA, "wallets")
