"""Accepted operations that are made leave the database for the archive when they are old."""

from __future__ import annotations

from typing import Final

from django.db.models import Q

from events.archive import Archive, register
from wallets.models import Operation, OperationStatus

OPERATIONS: Final = Archive(
    name="operations",
    model=Operation,
    time="processed_at",
    # In the index by status. One that was applied late keeps later ones waiting for as long.
    order=("id",),
    retention="OPERATIONS_KEPT_DAYS",
    # The key of a completed one lives on in its journal entry: sent again, it moves nothing. That
    # of a failed one stands nowhere else, and would move money when it is sent again.
    conditions=lambda: (Q(status=OperationStatus.COMPLETED),),
)
register(OPERATIONS)
