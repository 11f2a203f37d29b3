"""Record events in the transaction that makes them true."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connections

from events import contracts
from events.models import OutboxEvent, OutboxStatus
from wallet_project.kit.bulk_sql import insert_rows
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.ids import uuid7

SHARDS: Final = 16


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A fact about to be recorded."""

    stream: UUID
    """What it is about: the wallet. Events of one stream keep their order."""
    client: int
    type: str
    """A key of `contracts.TYPES`."""
    fact: contracts.WalletFact
    occurred_at: datetime
    entry: UUID | None = None


def shard_of(stream: UUID) -> int:
    """Tell which shard a stream belongs to: a function of its bytes alone, never changed."""
    return zlib.crc32(stream.bytes) % SHARDS


def record(events: Sequence[NewEvent]) -> None:
    """Insert events, in order, inside the caller's open transaction.

    The caller holds the locks of the streams, so ids rise in the order of commits per stream.

    :raises RuntimeError: outside a transaction, where the fact could exist without its event.
    """
    if not connections[PRIMARY].in_atomic_block:
        raise RuntimeError("record() must run inside the transaction that makes the event true.")
    topic: str = settings.KAFKA_TOPIC_FACTS
    insert_rows(
        OutboxEvent,
        _COLUMNS,
        [
            (
                uuid7(),
                shard_of(event.stream),
                event.client,
                event.entry,
                topic,
                event.stream,
                event.fact.sequence,
                event.type,
                contracts.encode(event.fact),
                event.occurred_at,
                OutboxStatus.PENDING,
                0,
            )
            for event in events
        ],
    )


_COLUMNS: Final = (
    "event_id",
    "shard",
    "client",
    "entry",
    "topic",
    "stream",
    "sequence",
    "type",
    "payload",
    "occurred_at",
    "status",
    "attempts",
)
