"""Forgets what no window reaches any more."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from events.consumers.fraud.models import Observation
from wallet_project.kit.database import PRIMARY

_ROWS_A_STATEMENT: Final = 500


def purge_observations(*, older_than: datetime, limit: int = 100_000) -> int:
    """Remove observations of facts before a moment, in small statements; return how many."""
    rows = Observation.objects.using(PRIMARY)
    removed = 0
    while removed < limit:
        old = rows.filter(occurred_at__lt=older_than).order_by("occurred_at")
        ids = list(old.values_list("pk", flat=True)[:_ROWS_A_STATEMENT])
        if not ids:
            break
        removed += rows.filter(pk__in=ids).delete()[0]
    return removed
