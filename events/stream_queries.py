"""What the outbox still has of one stream, for people who look at it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from events.models import OutboxEvent, OutboxStatus
from wallet_project.kit.database import PRIMARY


@dataclass(frozen=True, slots=True)
class ToldFact:
    """A fact and where it stands on its way out."""

    row: int
    """The number of its row in the outbox."""
    sequence: int
    type: str
    entry: UUID | None
    occurred_at: datetime
    status: str
    """In words."""


def latest_facts(stream: UUID, *, limit: int) -> list[ToldFact]:
    """List a stream's facts, newest first, by the index over stream and sequence."""
    rows = OutboxEvent.objects.using(PRIMARY).filter(stream=stream, sequence__isnull=False)
    columns = ("id", "sequence", "type", "entry", "occurred_at", "status")
    return [
        ToldFact(row, sequence, type_, entry, occurred_at, OutboxStatus(status).label)
        for row, sequence, type_, entry, occurred_at, status in rows.order_by(
            "-sequence"
        ).values_list(*columns)[:limit]
        if sequence is not None
    ]


def rows_of(stream: UUID, sequences: Collection[int], *, using: str = PRIMARY) -> dict[int, int]:
    """Find the rows of a stream's facts by their sequences; those in the archive are left out."""
    rows = OutboxEvent.objects.using(using).filter(stream=stream, sequence__in=list(sequences))
    found = rows.values_list("sequence", "id")
    return {sequence: row for sequence, row in found if sequence is not None}
