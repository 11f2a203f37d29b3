"""Forgets notifications that are done with."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from events.consumers.notifications.models import Notification
from wallet_project.kit.database import PRIMARY

_ROWS_A_STATEMENT: Final = 500


def purge_notifications(*, older_than: datetime, limit: int = 100_000) -> int:
    """Remove notifications noted before a moment, unless they wait; return how many."""
    rows = Notification.objects.using(PRIMARY)
    removed = 0
    while removed < limit:
        old = rows.filter(created_at__lt=older_than, next_attempt_at=None).order_by("created_at")
        ids = list(old.values_list("pk", flat=True)[:_ROWS_A_STATEMENT])
        if not ids:
            break
        removed += rows.filter(pk__in=ids).delete()[0]
    return removed
