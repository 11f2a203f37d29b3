"""What others may ask about events, without touching the tables of this app.

Asked of the primary: what waits there is what matters.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Count, Max, Min

from events.models import OutboxEvent, OutboxStatus
from wallet_project.kit.clock import now
from wallet_project.kit.database import PRIMARY

PAGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class StreamGap:
    """A stream whose sequences are not 1, 2, 3 … up to the number of its events."""

    stream: UUID
    events: int
    lowest: int
    highest: int


def pending_count() -> int:
    """Count the events that still have to be published, held ones included."""
    waiting = [OutboxStatus.PENDING, OutboxStatus.HELD]
    return OutboxEvent.objects.using(PRIMARY).filter(status__in=waiting).count()


def oldest_pending_age_seconds() -> float:
    """Return the age of the event that waits longest for the relay; 0 if none waits."""
    waiting = OutboxEvent.objects.using(PRIMARY).filter(status=OutboxStatus.PENDING).order_by("id")
    oldest = waiting.values_list("occurred_at", flat=True).first()
    return max((now() - oldest).total_seconds(), 0.0) if oldest else 0.0


def quarantined_count() -> int:
    """Count the events that wait for a person's decision."""
    return OutboxEvent.objects.using(PRIMARY).filter(status=OutboxStatus.QUARANTINED).count()


def stream_gaps(*, page: int = PAGE) -> Iterator[StreamGap]:
    """Find the streams whose sequences are not 1..n, reading `page` streams at a time.

    A sequence is unique within its stream, so lowest, highest and number say it all. A stream
    that grows meanwhile is no gap: each is counted in one statement.
    """
    after = UUID(int=0)
    while True:
        streams = list(
            OutboxEvent.objects.using(PRIMARY)
            .filter(stream__gt=after, sequence__isnull=False)
            .values("stream")
            .annotate(events=Count("id"), lowest=Min("sequence"), highest=Max("sequence"))
            .order_by("stream")
            .values_list("stream", "events", "lowest", "highest")[:page]
        )
        for stream, events, lowest, highest in streams:
            if lowest != 1 or highest != events:
                yield StreamGap(stream, events, lowest, highest)
        if len(streams) < page:
            return
        after = streams[-1][0]


def entry_sequences(streams: Collection[UUID]) -> Iterator[tuple[UUID, int, UUID]]:
    """Walk (stream, sequence, entry) of all events of these streams in which money moved.

    In the order of stream and sequence, by the index over both, a page at a time in memory.
    """
    rows = OutboxEvent.objects.using(PRIMARY).filter(stream__in=streams, entry__isnull=False)
    ordered = rows.order_by("stream", "sequence").values_list("stream", "sequence", "entry")
    for stream, sequence, entry in ordered.iterator(chunk_size=PAGE):
        if sequence is not None and entry is not None:  # as the filter and the model demand
            yield stream, sequence, entry
