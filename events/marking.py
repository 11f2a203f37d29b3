"""What becomes of a row after the broker has answered: published, quarantined, held, released."""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Max
from django.db.models.functions import Now

from events import log, metrics
from events.models import EventCounter, OutboxEvent, OutboxStatus, Quarantined, waiting
from wallet_project.kit import clock
from wallet_project.kit.database import (
    INTERACTIVE,
    PRIMARY,
    run_retrying,
    update_by_primary_key,
)

logger = logging.getLogger(__name__)

MARK_CHUNK: Final = 1_000
SPAN_MAX: Final = 4 * MARK_CHUNK
"""Within one statement a position is the id plus a constant, so gaps between ids become gaps
between positions; rows farther apart than this are marked by another statement."""
COUNTER_ID: Final = 1
_REASON_LENGTH: Final = 1_000


def mark_published(ids: Sequence[int]) -> int:
    """Mark exactly these rows as published and return how many.

    Positions rise with the ids. A row that another relay has marked meanwhile keeps the position
    it has, so the numbers may then skip.
    """
    marked = 0
    for chunk in _chunks(sorted(ids)):
        marked += run_retrying(partial(_mark, chunk), INTERACTIVE, operation="mark_events")
    metrics.PUBLISHED.inc(marked)
    return marked


def blame(row_id: int, reason: str) -> bool:
    """Count a failure that is the row's own fault; return whether it is quarantined now.

    With the last allowed attempt the row is QUARANTINED and all later rows of its stream HELD,
    so that they neither overtake it nor keep other streams waiting.
    """
    quarantined = run_retrying(lambda: _blame(row_id, reason), INTERACTIVE)
    logger.error(
        "relay.event_quarantined" if quarantined else "relay.event_refused",
        extra={"outbox_id": row_id, "reason": reason},
    )
    return quarantined


def hold_followers() -> int:
    """Hold rows that were recorded after a row of their stream was quarantined; return how many."""
    if not waiting(OutboxStatus.QUARANTINED).exists():
        return 0
    return run_retrying(_hold_followers, INTERACTIVE)


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Cut sorted ids into lists that are neither too long nor too far apart."""
    start = 0
    while start < len(ids):
        end = bisect_left(ids, ids[start] + SPAN_MAX, start, min(start + MARK_CHUNK, len(ids)))
        yield ids[start:end]
        start = end


def _mark(ids: Sequence[int]) -> int:
    with transaction.atomic(using=PRIMARY):
        # The counter's row lock makes positions rise in the order of commits: a reader who has
        # seen position n will never find a smaller one later.
        first = _reserve_positions(ids[-1] - ids[0] + 1)
        return update_by_primary_key(
            _rows().filter(pk__in=ids, status=OutboxStatus.PENDING),
            status=OutboxStatus.PUBLISHED,
            # Not a CASE over ids: that is compared row by row and grows with the square.
            position=F("id") + (first - ids[0]),
            published_at=Now(),
        )


def _reserve_positions(number: int) -> int:
    """Return the first of so many free positions, on the locked row of the counter.

    No unique index guards positions. Looking at the highest one, under the lock, does the same
    for a counter that was lost or restored to an older state.
    """
    counters = EventCounter.objects.using(PRIMARY)
    counter, is_new = counters.select_for_update().get_or_create(pk=COUNTER_ID)
    highest = _rows().aggregate(highest=Max("position"))["highest"] or 0
    if is_new or highest > counter.last_position:
        highest = max(highest, log.archived_through(using=PRIMARY))
    last = max(counter.last_position, highest)
    counters.filter(pk=COUNTER_ID).update(last_position=last + number)
    return last + 1


def _blame(row_id: int, reason: str) -> bool:
    with transaction.atomic(using=PRIMARY):
        waiting = _rows().filter(pk=row_id, status=OutboxStatus.PENDING)
        if not waiting.update(attempts=F("attempts") + 1):
            return False  # another relay was faster
        row = _rows().only("stream", "attempts").get(pk=row_id)
        if row.attempts < settings.EVENT_ATTEMPTS_MAX:
            return False
        waiting.update(status=OutboxStatus.QUARANTINED)
        Quarantined.objects.using(PRIMARY).update_or_create(
            row=row_id, defaults={"reason": reason[:_REASON_LENGTH], "at": clock.now()}
        )
        _pending_of([row.stream]).filter(id__gt=row_id).update(status=OutboxStatus.HELD)
        return True


def _hold_followers() -> int:
    with transaction.atomic(using=PRIMARY):
        # Locked, so that a release either is seen here or waits: else rows could stay HELD
        # behind nothing.
        quarantined = waiting(OutboxStatus.QUARANTINED).select_for_update()
        return _pending_of({row.stream for row in quarantined.only("stream")}).update(
            status=OutboxStatus.HELD
        )


def _pending_of(streams: Sequence[UUID] | set[UUID]) -> models.QuerySet[OutboxEvent]:
    return waiting(OutboxStatus.PENDING).filter(stream__in=streams)


def _rows() -> models.QuerySet[OutboxEvent]:
    return OutboxEvent.objects.using(PRIMARY)
