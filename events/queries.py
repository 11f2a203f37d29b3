"""What others may ask about events, without touching the tables of this app.

Asked of the primary: what waits there is what matters.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Count, F, Max, Min, Q, Sum

from events.models import (
    ArchivedFile,
    DeadLetter,
    LetterStatus,
    OutboxEvent,
    OutboxStatus,
    waiting,
)
from wallet_project.kit.clock import now
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.pairs import Pair, rows_at

PAGE: Final = 1_000
CLOCK_BACK_MAX: Final = timedelta(seconds=5)
"""How far the clock of a new primary may lie behind the old one's, whose times the facts have."""


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """How many events a stream has, and between which sequences they lie."""

    events: int
    lowest: int
    highest: int


@dataclass(frozen=True, slots=True)
class KeptFact:
    """A fact whose row is still in the outbox, published or not."""

    id: UUID
    type: str
    client: int
    sequence: int
    entry: UUID | None
    occurred_at: datetime
    value: bytes


@dataclass(frozen=True, slots=True)
class FalseMark:
    """An event whose marks do not say what happened to it."""

    event: UUID
    detail: str


def pending_count() -> int:
    """Count the events that still have to be published, held ones included."""
    return waiting(OutboxStatus.PENDING, OutboxStatus.HELD).count()


def oldest_pending_age_seconds() -> float:
    """Return the age of the event that waits longest for the relay; 0 if none waits."""
    by_age = waiting(OutboxStatus.PENDING).order_by("id")
    oldest = by_age.values_list("occurred_at", flat=True).first()
    return max((now() - oldest).total_seconds(), 0.0) if oldest else 0.0


def quarantined_count() -> int:
    """Count the events that wait for a person's decision."""
    return waiting(OutboxStatus.QUARANTINED).count()


def dead_letter_counts() -> dict[str, int]:
    """Count the records that wait for a person's decision, by consumer."""
    rows = DeadLetter.objects.using(PRIMARY).filter(
        status__in=[LetterStatus.DEAD, LetterStatus.HELD]
    )
    counted = rows.order_by().values("consumer").annotate(letters=Count("id"))
    return dict(counted.values_list("consumer", "letters"))


def stream_facts(streams: Collection[UUID]) -> dict[UUID, StreamFacts]:
    """Count the facts of each of these streams; streams without any are left out.

    A sequence is unique within its stream, so lowest, highest and number say it all.
    """
    rows = (
        OutboxEvent.objects.using(PRIMARY)
        .filter(stream__in=list(streams), sequence__isnull=False)
        .values("stream")
        .annotate(events=Count("id"), lowest=Min("sequence"), highest=Max("sequence"))
        .values_list("stream", "events", "lowest", "highest")
    )
    return {stream: StreamFacts(*numbers) for stream, *numbers in rows}


def highest_sequences(streams: Collection[UUID]) -> dict[UUID, int]:
    """Tell the latest fact's sequence of each of these streams; those without any are left out.

    One look at the end of the index for each, so it is cheap under a lock.
    """
    rows = OutboxEvent.objects.using(PRIMARY).filter(
        stream__in=list(streams), sequence__isnull=False
    )
    return dict(rows.order_by().values_list("stream").annotate(highest=Max("sequence")))


def kept_facts(stream: UUID, *, from_sequence: int, limit: int) -> list[KeptFact]:
    """List a stream's facts that are in the outbox, from a sequence on, in their order."""
    rows = OutboxEvent.objects.using(PRIMARY).filter(stream=stream, sequence__gte=from_sequence)
    columns = ("event_id", "type", "client", "sequence", "entry", "occurred_at", "payload")
    return [
        KeptFact(id_, type_, client, sequence, entry, occurred_at, bytes(payload))
        for id_, type_, client, sequence, entry, occurred_at, payload in rows.order_by(
            "sequence"
        ).values_list(*columns)[:limit]
        if sequence is not None
    ]


def has_archive() -> bool:
    """Tell whether any file of the archive holds facts."""
    return ArchivedFile.objects.using(PRIMARY).filter(fact_count__gt=0).exists()


def archived_facts() -> int:
    """Count the facts that have left for the archive, over all streams: of each its first ones."""
    files = ArchivedFile.objects.using(PRIMARY).filter(fact_count__gt=0)
    return files.aggregate(facts=Sum("fact_count"))["facts"] or 0


def stream_pages(*, page: int = PAGE) -> Iterator[list[UUID]]:
    """Walk all streams that have events, in pages, by the index over stream and sequence."""
    after = UUID(int=0)
    while True:
        rows = OutboxEvent.objects.using(PRIMARY).filter(stream__gt=after, sequence__isnull=False)
        found = list(rows.order_by("stream").values_list("stream", flat=True).distinct()[:page])
        if found:
            yield found
        if len(found) < page:
            return
        after = found[-1]


def false_marks(*, page: int = PAGE) -> Iterator[FalseMark]:
    """Find events marked as published that cannot have been, and positions given twice.

    Published means: has a position and a time, and the time is not before the fact's own. Reads
    `page` ids, then `page` positions, at a time.
    """
    rows = OutboxEvent.objects.using(PRIMARY)
    unmarked = Q(position__isnull=True) | Q(published_at__isnull=True)
    marked = Q(position__isnull=False) | Q(published_at__isnull=False)
    is_published = Q(status=OutboxStatus.PUBLISHED)
    wrong = (
        (is_published & unmarked)
        | (~is_published & marked)
        | Q(published_at__lt=F("occurred_at") - CLOCK_BACK_MAX)
    )
    columns = ("event_id", "status", "position", "occurred_at", "published_at")
    for start in range(_lowest("id"), _highest("id") + 1, page):
        found = rows.filter(wrong, id__gte=start, id__lt=start + page).order_by("id")
        for event, status, position, occurred, published in found.values_list(*columns):
            yield FalseMark(
                event,
                f"status {OutboxStatus(status).name}, position {position}, "
                f"happened at {occurred}, published at {published}",
            )
    for start in range(_lowest("position"), _highest("position") + 1, page):
        places = rows.filter(position__gte=start, position__lt=start + page).values("position")
        twice = places.annotate(events=Count("id"), one=Min("event_id")).filter(events__gt=1)
        for position, one in twice.values_list("position", "one"):
            event = one if isinstance(one, UUID) else UUID(bytes=bytes(one))
            yield FalseMark(event, f"position {position} was given to another event, too")


def _lowest(column: str) -> int:
    found = OutboxEvent.objects.using(PRIMARY).aggregate(lowest=Min(column))["lowest"]
    return int(found or 0)


def _highest(column: str) -> int:
    found = OutboxEvent.objects.using(PRIMARY).aggregate(highest=Max(column))["highest"]
    return int(found or 0)


def entry_sequences(streams: Collection[UUID]) -> Iterator[tuple[UUID, int, UUID, datetime]]:
    """Walk (stream, sequence, entry, time) of all events of these streams in which money moved.

    In the order of stream and sequence, by the index over both, a page at a time in memory.
    """
    rows = OutboxEvent.objects.using(PRIMARY).filter(stream__in=streams, entry__isnull=False)
    ordered = rows.order_by("stream", "sequence").values_list(
        "stream", "sequence", "entry", "occurred_at"
    )
    for stream, sequence, entry, occurred_at in ordered.iterator(chunk_size=PAGE):
        if sequence is not None and entry is not None:  # as the filter and the model demand
            yield stream, sequence, entry, occurred_at


def entries_at(places: Iterable[Pair]) -> dict[Pair, tuple[UUID | None, datetime]]:
    """Read entry and time of the facts at these places, each a stream and a sequence."""
    columns = ("stream", "sequence", "entry", "occurred_at")
    found = rows_at(OutboxEvent, ("stream", "sequence"), places, columns)
    return {(stream, sequence): (entry, at) for stream, sequence, entry, at in found}


def kept_messages(stream: UUID, type_: str) -> Iterator[bytes]:
    """Walk the messages of a type under one key that are still in the outbox."""
    rows = OutboxEvent.objects.using(PRIMARY).filter(
        stream=stream, sequence__isnull=True, type=type_
    )
    for value in rows.order_by("id").values_list("payload", flat=True).iterator(chunk_size=PAGE):
        yield bytes(value)
