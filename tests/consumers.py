"""Hands events to consumers by the code that handles them in service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from django.conf import settings

from events import contracts, settling
from events.consumer import Consumer, Event, Origin
from events.models import ConsumedEvent, OutboxEvent
from wallet_project.kit.clock import now
from wallet_project.kit.ids import uuid7


def deliver(consumer: Consumer, events: Sequence[Event]) -> int:
    """Hand over one batch, through the inbox and its transaction; count what was new.

    What the handler raises is raised here; nothing becomes a dead letter.
    """
    seen = ConsumedEvent.objects.filter(consumer=consumer.name)
    before = seen.count()
    settling.apply(consumer, events)
    return seen.count() - before


def told(*streams: UUID, topic: str = "") -> list[Event]:
    """Read the outbox as a consumer will read a topic: all of it, or these wallets' events.

    Without a topic: the facts.
    """
    rows = OutboxEvent.objects.filter(topic=topic or settings.KAFKA_TOPIC_FACTS).order_by("id")
    if streams:
        rows = rows.filter(stream__in=streams)
    return [
        Event(
            id=row.event_id,
            type=row.type,
            client=row.client,
            stream=row.stream,
            entry=row.entry,
            time=row.occurred_at,
            value=bytes(row.payload),
            origin=Origin(row.topic, 0, row.id),
        )
        for row in rows
    ]


def event_of(
    fact: contracts.WalletFact, *, type_: str = contracts.DEPOSITED, client: int = 1
) -> Event:
    """Make an event of a fact that nobody recorded."""
    entry = UUID(fact.transaction_id) if isinstance(fact, contracts.MoneyMoved) else None
    return Event(
        id=uuid7(),
        type=type_,
        client=client,
        stream=UUID(fact.wallet_id),
        entry=entry,
        time=now(),
        value=contracts.encode(fact),
        origin=Origin("wallet.events.v1", 0, 0),
    )


def again(event: Event) -> Event:
    """Make the same event as it comes a second time: other offset, all else alike."""
    return replace(event, origin=replace(event.origin, offset=event.origin.offset + 1_000_000))
