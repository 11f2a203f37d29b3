"""Put events that could not be sent back to work, after a person has looked at them.

A fact is never given up: readers count a wallet's events without a gap. To release is to try
again, with what stood in the way mended: a limit raised, a schema registered, a fault corrected.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from events.errors import NothingToRelease
from events.models import OutboxStatus, Quarantined, waiting
from wallet_project.kit import audit
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import INTERACTIVE, PRIMARY, run_retrying


@dataclass(frozen=True, slots=True)
class Stuck:
    """A stream that waits behind an event that could not be sent."""

    stream: UUID
    event: int
    """The row that is quarantined."""
    type: str
    reason: str
    since: datetime | None
    held: int
    """How many events wait behind it."""


def stuck(stream: UUID | None = None) -> list[Stuck]:
    """List what is quarantined, of all streams or one, with what waits behind it."""
    rows = waiting(OutboxStatus.QUARANTINED).order_by("id")
    if stream is not None:
        rows = rows.filter(stream=stream)
    found = list(rows.only("id", "stream", "type"))
    why = Quarantined.objects.using(PRIMARY).in_bulk([row.pk for row in found])
    held = waiting(OutboxStatus.HELD, OutboxStatus.PENDING)
    return [
        Stuck(
            stream=row.stream,
            event=row.pk,
            type=row.type,
            reason=why[row.pk].reason if row.pk in why else "",
            since=why[row.pk].at if row.pk in why else None,
            held=held.filter(stream=row.stream, id__gt=row.pk).count(),
        )
        for row in found
    ]


def release(stream: UUID, *, by: Actor, reason: str) -> int:
    """Put a stream back to work, in order, after its quarantined row was looked at.

    Returns how many rows wait for the relay again. A row that still cannot be sent comes back to
    quarantine.

    :raises NothingToRelease: if the stream has no quarantined or held row.
    """

    def body() -> int:
        with transaction.atomic(using=PRIMARY):
            rows = waiting(OutboxStatus.QUARANTINED, OutboxStatus.HELD).filter(stream=stream)
            ids = list(rows.values_list("pk", flat=True))
            released = rows.update(status=OutboxStatus.PENDING, attempts=0)
            if not released:
                raise NothingToRelease(f"No event of {stream} is quarantined.")
            Quarantined.objects.using(PRIMARY).filter(pk__in=ids).delete()
            detail = {"events": released}
            act = Act("outbox.release", "events.outboxevent", str(stream), reason, detail)
            audit.record(by, act)
            return released

    return run_retrying(body, INTERACTIVE)
