"""Record events in the transaction that makes them true."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class NewMessage:
    """Something to be sent that is no fact about a wallet: a command, an alert, a dead letter."""

    topic: str
    stream: UUID
    """The record's key. Messages of one key are sent in the order of their rows."""
    client: int
    type: str
    value: bytes
    """JSON."""
    occurred_at: datetime
    event_id: UUID = field(default_factory=uuid7)


def shard_of(stream: UUID) -> int:
    """Tell which shard a stream belongs to: a function of its bytes alone, never changed."""
    return zlib.crc32(stream.bytes) % SHARDS


def record(events: Sequence[NewEvent]) -> None:
    """Insert events, in order, inside the caller's open transaction.

    The caller holds the locks of the streams, so ids rise in the order of commits per stream.

    :raises RuntimeError: outside a transaction, where the fact could exist without its event.
    """
    _demand_transaction("record")
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


def record_messages(messages: Sequence[NewMessage]) -> None:
    """Insert messages, in order, inside the caller's open transaction; they have no sequence.

    :raises RuntimeError: outside a transaction, where the message could go out without its reason.
    """
    _demand_transaction("record_messages")
    insert_rows(
        OutboxEvent,
        _COLUMNS,
        [
            (
                message.event_id,
                shard_of(message.stream),
                message.client,
                None,
                message.topic,
                message.stream,
                None,
                message.type,
                message.value,
                message.occurred_at,
                OutboxStatus.PENDING,
                0,
            )
            for message in messages
        ],
    )


def _demand_transaction(caller: str) -> None:
    if not connections[PRIMARY].in_atomic_block:
        raise RuntimeError(f"{caller}() must run inside the transaction that makes the event true.")


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
