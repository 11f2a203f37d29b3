"""A consumer whose effect is a row for each event, and the ways it can fail.

The rows say what was handled, in which order and how often. Rows of `effect_order` tell it what to
fail at: other processes read them, too.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import connections

from events.consumer import Consumer, Event
from events.errors import Undecodable
from tests.databases import owner
from wallet_project.kit.database import PRIMARY

NAME: Final = "effects"
POISON: Final = "poison"
"""The handler fails at the wallet's event with this sequence."""
UNDECODABLE: Final = "undecodable"


class Poisoned(Exception):
    """What a handler may raise that nobody foresaw."""


def handle(events: Sequence[Event]) -> None:
    """Write a row for each event, in the frame's transaction."""
    orders = _orders()
    pause = float(os.environ.get("EFFECT_PAUSE_SECONDS", "0"))
    with connections[PRIMARY].cursor() as cursor:
        for event in events:
            sequence = sequence_of(event)
            if (POISON, event.stream, sequence) in orders:
                raise Poisoned(f"{sequence} is poison")
            if (UNDECODABLE, event.stream, sequence) in orders:
                raise Undecodable(f"{sequence} makes no sense")
            cursor.execute(
                "INSERT INTO effects (stream, sequence, process) VALUES (%s, %s, %s)",
                [str(event.stream), sequence, os.getpid()],
            )
            time.sleep(pause)


def consumer(*, batch: int = 100, name: str = NAME) -> Consumer:
    """Make the consumer of the topic that the settings name now."""
    return Consumer(name=name, topics=(settings.KAFKA_TOPIC_FACTS,), handle=handle, batch=batch)


def order(what: str, stream: UUID, sequence: int) -> None:
    """Tell the handler what to do at a wallet's event."""
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute(
            "INSERT INTO effect_orders (what, stream, sequence) VALUES (%s, %s, %s)",
            [what, str(stream), sequence],
        )


def heal() -> None:
    """Let the handler do everything again."""
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute("DELETE FROM effect_orders")


def done() -> dict[UUID, list[int]]:
    """Return what was handled: each wallet's sequences, in the order of handling, repeats too."""
    found: dict[UUID, list[int]] = defaultdict(list)
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute("SELECT stream, sequence FROM effects ORDER BY id")
        for stream, sequence in cursor.fetchall():
            found[UUID(stream)].append(sequence)
    return dict(found)


def processes() -> set[int]:
    """Return the processes that handled something."""
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute("SELECT DISTINCT process FROM effects")
        return {pid for (pid,) in cursor.fetchall()}


@contextmanager
def tables() -> Iterator[None]:
    """Make the tables of effects, and take them away at the end."""
    with connections[owner()].cursor() as cursor:
        mysql = connections[owner()].vendor == "mysql"
        counter = "BIGINT AUTO_INCREMENT" if mysql else "INTEGER"
        cursor.execute(
            f"CREATE TABLE effects (id {counter} PRIMARY KEY, stream VARCHAR(36) NOT NULL,"
            " sequence BIGINT NOT NULL, process BIGINT NOT NULL)"
        )
        cursor.execute(
            "CREATE TABLE effect_orders"
            " (what VARCHAR(36) NOT NULL, stream VARCHAR(36) NOT NULL, sequence BIGINT NOT NULL)"
        )
        if mysql:
            user = settings.DATABASES["default"]["USER"]
            for table in ("effects", "effect_orders"):
                cursor.execute(f"GRANT SELECT, INSERT, DELETE ON {table} TO `{user}`@`%`")
    try:
        yield
    finally:
        with connections[owner()].cursor() as cursor:
            cursor.execute("DROP TABLE effects")
            cursor.execute("DROP TABLE effect_orders")


def _orders() -> set[tuple[str, UUID, int]]:
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute("SELECT what, stream, sequence FROM effect_orders")
        return {(what, UUID(stream), sequence) for what, stream, sequence in cursor.fetchall()}


def sequence_of(event: Event) -> int:
    """Read the place of an event among its wallet's."""
    return int(msgspec.json.decode(event.value)["sequence"])
