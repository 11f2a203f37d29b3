"""Effect once: what a consumer does and the note that it was done are one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import connections

from events.consumer import Event
from events.models import ConsumedEvent
from wallet_project.kit.bulk_sql import insert_rows
from wallet_project.kit.clock import now
from wallet_project.kit.database import PRIMARY


def unseen(consumer: str, events: Sequence[Event]) -> list[Event]:
    """Note these events as seen by a consumer, and return those that were not, in their order.

    Inside the caller's transaction, which also holds the effect. Somebody who notes the same event
    at the same time is waited for; if he commits, the insert fails as a twin's does and the whole
    transaction has to run again (`run_retrying` does).

    :raises RuntimeError: outside a transaction, where an event could be noted without its effect.
    """
    if not connections[PRIMARY].in_atomic_block:
        raise RuntimeError("unseen() must run inside the transaction that holds the effect.")
    known = seen(consumer, events)
    new = {event.id: event for event in reversed(events) if event.id not in known}
    first = [event for event in events if new.get(event.id) is event]
    note(consumer, [event.id for event in first])
    return first


def note(consumer: str, events: Sequence[UUID]) -> None:
    """Note events as seen, none of which is; inside the caller's transaction."""
    moment = now()
    insert_rows(
        ConsumedEvent,
        ("consumer", "event_id", "consumed_at"),
        [(consumer, event, moment) for event in events],
    )


def seen(consumer: str, events: Sequence[Event]) -> set[UUID]:
    """Tell which of these events a consumer has had before."""
    rows = ConsumedEvent.objects.using(PRIMARY)
    noted = rows.filter(consumer=consumer, event_id__in={event.id for event in events})
    return set(noted.values_list("event_id", flat=True))
