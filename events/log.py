"""The log of published events, read by position: what `GET /events` shows.

A reader who has been told of position n never misses a smaller one that comes later:

* Positions are handed out by adding to one counter row, in the transaction that marks the events.
  That row's lock is held until the commit, so a transaction takes its numbers only after the one
  with smaller numbers has committed: positions become visible in their own order. A transaction
  that rolls back gives its numbers back with the counter. Numbers that were reserved and not used
  (another relay had marked the row) belong to nobody, ever: a gap that is seen stays a gap.
* `head` is the counter, read before the events, in an earlier statement of the same connection.
  Whatever it counts had committed by then, so the later statement sees all of it. A page ends at
  the head or before it, and `next_after` says from where to go on.
* A replica repeats these transactions in that order: each changes the counter row, so none is
  applied before the one it depends on, with several appliers too. What lags is the head. A reader
  who is ahead of it, because the primary told him more, has to be answered by the primary.
* The archive removes rows from below, and notes how far in the same transaction. `archived` is
  read after the events: if it does not reach beyond `after`, nothing was gone when they were read.

What all this cannot mend is a primary that dies with commits no replica had: a restored counter
gives those numbers again. Semi-synchronous replication is there to prevent it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Max, QuerySet

from events.models import ArchivedFile, EventCounter, OutboxEvent

LOOKED_AT_MAX: Final = 2_000
"""How many of a client's events a page looks at, however few of them fit its filters."""
_ARCHIVE: Final = "outbox"


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """A published fact."""

    position: int
    id: UUID
    type: str
    stream: UUID
    sequence: int
    entry: UUID | None
    occurred_at: datetime
    value: bytes
    """JSON, byte for byte what readers of the topic get."""


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some of a client's events, oldest first."""

    items: Sequence[LoggedEvent]
    next_after: int
    has_more: bool
    head: int
    """The highest position there is, of any client's."""
    archived: int
    """The highest position that only the archive has; 0 if there is none."""


def page(
    client: int,
    *,
    after: int | None,
    limit: int,
    using: str,
    type_: str | None = None,
    stream: UUID | None = None,
) -> LogPage:
    """List a client's events above a position; None: from the oldest that is kept.

    With filters a page may be short, or empty, while more follow: `has_more` tells.
    """
    head = EventCounter.objects.using(using).values_list("last_position", flat=True).first() or 0
    start = archived_through(using=using) if after is None else after
    own = OutboxEvent.objects.using(using).filter(
        client=client, position__gt=start, position__lte=head
    )
    seen_most = limit if type_ is None and stream is None else LOOKED_AT_MAX
    found = own.order_by("position").values_list("position", "type", "stream", "sequence")
    looked_at = list(found[: seen_most + 1])
    has_more = len(looked_at) > seen_most
    looked_at = looked_at[:seen_most]
    next_after = max(head, start)
    if has_more:
        next_after = max(position or 0 for position, *_ in looked_at)
    fitting = [
        position
        for position, its_type, its_stream, sequence in looked_at
        if sequence is not None and type_ in (None, its_type) and stream in (None, its_stream)
        if position is not None
    ]
    if len(fitting) > limit:
        fitting, has_more, next_after = fitting[:limit], True, fitting[limit - 1]
    items = _events(own, fitting)
    archived = archived_through(using=using)
    if after is None and archived > start:  # the oldest have left while we looked
        return page(client, after=None, limit=limit, using=using, type_=type_, stream=stream)
    return LogPage(items, next_after, has_more, head, archived)


def archived_through(*, using: str) -> int:
    """Tell the highest position whose event is in the archive and nowhere else; 0 if none is."""
    files = ArchivedFile.objects.using(using).filter(archive=_ARCHIVE)
    return files.aggregate(highest=Max("last_position"))["highest"] or 0


def file_of(position: int, *, using: str) -> str | None:
    """Name the file of the archive in which a position is, or would be."""
    files = ArchivedFile.objects.using(using).filter(archive=_ARCHIVE, last_position__gte=position)
    return files.order_by("last_position").values_list("name", flat=True).first()


def _events(own: QuerySet[OutboxEvent], positions: Sequence[int]) -> list[LoggedEvent]:
    rows = own.filter(position__in=positions).order_by("position")
    return [
        LoggedEvent(
            position=position,
            id=event_id,
            type=type_,
            stream=stream,
            sequence=sequence,
            entry=entry,
            occurred_at=occurred_at,
            value=bytes(payload),
        )
        for position, event_id, type_, stream, sequence, entry, occurred_at, payload in (
            rows.values_list(
                "position",
                "event_id",
                "type",
                "stream",
                "sequence",
                "entry",
                "occurred_at",
                "payload",
            )
        )
        if position is not None and sequence is not None
    ]
