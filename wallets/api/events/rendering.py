"""Answers GET /events."""

from __future__ import annotations

from typing import Any

import msgspec

from wallet_project.kit.clock import rfc3339
from wallets import event_log
from wallets.api.calls import Answer, Call
from wallets.api.events.shapes import EventShown, EventsPage
from wallets.api.rendering import answer
from wallets.event_log import LoggedEvent


def events_page(call: Call, found: event_log.EventsPage) -> Answer:
    """Answer with a page."""
    page = EventsPage(
        items=[_event(one) for one in found.log.items],
        next_after=found.log.next_after,
        has_more=found.log.has_more,
    )
    return answer(call, 200, page, stale_as_of=found.stale_as_of)


def _event(one: LoggedEvent) -> EventShown:
    data: Any = msgspec.Raw(one.value)
    return EventShown(
        position=one.position,
        id=str(one.id),
        type=one.type,
        wallet_id=str(one.stream),
        sequence=one.sequence,
        time=rfc3339(one.occurred_at),
        transaction_id=None if one.entry is None else str(one.entry),
        data=data,
    )
