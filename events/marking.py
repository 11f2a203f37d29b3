"""What becomes of a row after the broker has answered: published, quarantined, held, released."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Max
from django.db.models.functions import Now

from events import metrics
from events.errors import NothingToRelease
from events.models import EventCounter, OutboxEvent, OutboxStatus
from wallet_project.kit.database import (
    INTERACTIVE,
    PRIMARY,
    ByPrimaryKey,
    run_retrying,
    update_by_primary_key,
)

logger = logging.getLogger(__name__)

MARK_CHUNK: Final = 256
"""The CASE over positions grows with the square of the chunk."""
COUNTER_ID: Final = 1


def mark_published(ids: Sequence[int]) -> int:
    """Mark exactly these rows as published, in this order, and return how many.

    Positions rise in this order. A row that another relay has marked meanwhile keeps the position
    it has, so the numbers may then skip.
    """
    marked = 0
    for start in range(0, len(ids), MARK_CHUNK):
        chunk = ids[start : start + MARK_CHUNK]
        marked += run_retrying(partial(_mark, chunk), INTERACTIVE, operation="mark_events")
    metrics.PUBLISHED.inc(marked)
    return marked


def blame(row_id: int, reason: str) -> bool:
    """Count a failure that is the row's own fault; return whether it is quarantined now.

    With the last allowed attempt the row is QUARANTINED and all later rows of its stream HELD,
    so that they neither overtake it nor keep other streams waiting.
    """
    quarantined = run_retrying(lambda: _blame(row_id), INTERACTIVE)
    logger.error(
        "relay.event_quarantined" if quarantined else "relay.event_refused",
        extra={"outbox_id": row_id, "reason": reason},
    )
    return quarantined


def hold_followers() -> int:
    """Hold rows that were recorded after a row of their stream was quarantined; return how many."""
    if not _rows().filter(status=OutboxStatus.QUARANTINED).exists():
        return 0
    return run_retrying(_hold_followers, INTERACTIVE)


def release(stream: UUID) -> int:
    """Put a stream back to work, in order, after its quarantined row was looked at.

    Returns how many rows wait for the relay again. A row that still cannot be sent comes back to
    quarantine.

    :raises NothingToRelease: if the stream has no quarantined or held row.
    """

    def body() -> int:
        with transaction.atomic(using=PRIMARY):
            stuck = _rows().filter(
                stream=stream, status__in=[OutboxStatus.QUARANTINED, OutboxStatus.HELD]
            )
            return stuck.update(status=OutboxStatus.PENDING, attempts=0)

    released = run_retrying(body, INTERACTIVE)
    if not released:
        raise NothingToRelease(f"No event of {stream} is quarantined.")
    return released


def _mark(ids: Sequence[int]) -> int:
    with transaction.atomic(using=PRIMARY):
        # The counter's row lock makes positions rise in the order of commits: a reader who has
        # seen position n will never find a smaller one later.
        first = _reserve_positions(len(ids))
        positions = {id_: first + place for place, id_ in enumerate(ids)}
        return update_by_primary_key(
            _rows().filter(pk__in=ids, status=OutboxStatus.PENDING),
            status=OutboxStatus.PUBLISHED,
            position=ByPrimaryKey(positions, models.BigIntegerField()),
            published_at=Now(),
        )


def _reserve_positions(number: int) -> int:
    counter = EventCounter.objects.using(PRIMARY).filter(pk=COUNTER_ID)
    if not counter.update(last_position=F("last_position") + number):
        highest = _rows().aggregate(highest=Max("position"))["highest"] or 0
        EventCounter.objects.using(PRIMARY).create(pk=COUNTER_ID, last_position=highest + number)
    last: int = counter.values_list("last_position", flat=True).get()
    return last - number + 1


def _blame(row_id: int) -> bool:
    with transaction.atomic(using=PRIMARY):
        waiting = _rows().filter(pk=row_id, status=OutboxStatus.PENDING)
        if not waiting.update(attempts=F("attempts") + 1):
            return False  # another relay was faster
        row = _rows().only("stream", "attempts").get(pk=row_id)
        if row.attempts < settings.EVENT_ATTEMPTS_MAX:
            return False
        waiting.update(status=OutboxStatus.QUARANTINED)
        _pending_of([row.stream]).filter(id__gt=row_id).update(status=OutboxStatus.HELD)
        return True


def _hold_followers() -> int:
    with transaction.atomic(using=PRIMARY):
        # Locked, so that a release either is seen here or waits: else rows could stay HELD
        # behind nothing.
        quarantined = _rows().filter(status=OutboxStatus.QUARANTINED).select_for_update()
        return _pending_of({row.stream for row in quarantined.only("stream")}).update(
            status=OutboxStatus.HELD
        )


def _pending_of(streams: Sequence[UUID] | set[UUID]) -> models.QuerySet[OutboxEvent]:
    return _rows().filter(stream__in=streams, status=OutboxStatus.PENDING)


def _rows() -> models.QuerySet[OutboxEvent]:
    return OutboxEvent.objects.using(PRIMARY)
