"""The database as an auditor reads it: plain SQL, past every line of the service's code."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import MySQLdb

_PUBLISHED = 1


@dataclass(frozen=True, slots=True)
class Line:
    """A posting on a wallet."""

    amount: int
    balance: int
    version: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the outbox."""

    id: UUID
    stream: UUID
    sequence: int
    payload: bytes
    published: bool


@dataclass(frozen=True)
class Books:
    """What stood there at one moment, of some wallets."""

    entries: frozenset[str]
    """Every entry that touched one of the wallets, by transaction id."""
    lines: dict[tuple[str, str], Line]
    """By transaction and wallet."""
    balances: dict[str, int]
    versions: dict[str, int]


def read(url: str, wallets: Sequence[str]) -> Books:
    """Read everything the books know of some wallets."""
    ids = [UUID(wallet).bytes for wallet in wallets]
    marks = ",".join(["%s"] * len(ids))
    postings = _rows(
        url,
        "SELECT entry_id, account_id, amount, balance_after, version, sequence"
        f" FROM ledger_posting WHERE account_id IN ({marks})",
        ids,
    )
    rows = _rows(url, f"SELECT id, balance, version FROM wallets_wallet WHERE id IN ({marks})", ids)
    lines = {(_text(entry), _text(wallet)): Line(*rest) for entry, wallet, *rest in postings}
    assert len(lines) == len(postings), "An entry has two lines on one wallet."
    return Books(
        entries=frozenset(entry for entry, _ in lines),
        lines=lines,
        balances={_text(id_): balance for id_, balance, _ in rows},
        versions={_text(id_): version for id_, _, version in rows},
    )


def read_outbox(url: str) -> list[Event]:
    """Read every event of the database."""
    rows = _rows(
        url,
        "SELECT event_id, stream, sequence, payload, status FROM events_outboxevent"
        " WHERE sequence IS NOT NULL",  # what is no fact goes to other topics
        [],
    )
    return [
        Event(UUID(bytes=id_), UUID(bytes=stream), sequence, bytes(payload), status == _PUBLISHED)
        for id_, stream, sequence, payload, status in rows
    ]


def read_versions(url: str) -> dict[UUID, int]:
    """Read the version of every wallet of the database."""
    rows = _rows(url, "SELECT id, version FROM wallets_wallet", [])
    return {UUID(bytes=id_): version for id_, version in rows}


def count_unpublished(url: str) -> int:
    """Count the events that are not in Kafka as far as the outbox knows."""
    statement = "SELECT COUNT(*) FROM events_outboxevent WHERE status <> %s"
    ((count,),) = _rows(url, statement, [_PUBLISHED])
    return int(count)


def wait_for_commit(url: str, *, seconds: float = 30.0) -> None:
    """Return at the moment at which somebody's movement is committed, hardly anybody told yet."""
    deadline = time.monotonic() + seconds
    with closing(_connect(url)) as connection, connection.cursor() as cursor:
        before = latest = None
        while latest == before:
            assert time.monotonic() < deadline, "Nothing is committed."
            cursor.execute("SELECT MAX(id) FROM events_outboxevent")
            latest = cursor.fetchone()
            before = before or latest


def _rows(url: str, statement: str, values: Sequence[Any]) -> Sequence[Any]:
    with closing(_connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: Sequence[Any] = cursor.fetchall()
        return found


def _connect(url: str) -> Any:
    where = urlsplit(url)
    return MySQLdb.connect(
        host=where.hostname,
        port=where.port,
        user=where.username,
        passwd=unquote(where.password or ""),
        db=where.path.strip("/"),
        autocommit=True,
    )


def _text(id_: bytes) -> str:
    return str(UUID(bytes=id_))
