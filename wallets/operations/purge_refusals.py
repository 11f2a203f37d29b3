"""Forget refusals that are past their keeping time."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import connections

from wallet_project.kit.database import PRIMARY
from wallets.models import Refusal

_ROWS_A_STATEMENT: Final = 500


def purge_refusals(*, older_than: datetime) -> int:
    """Remove refusals made before a moment, in small statements by key; return how many.

    Raw SQL, because the model itself refuses to delete: this is the one way out of the table.
    """
    removed = 0
    while True:
        found = Refusal.objects.using(PRIMARY).filter(created_at__lt=older_than)
        keys = [bytes(key) for key in found.values_list("pk", flat=True)[:_ROWS_A_STATEMENT]]
        if not keys:
            return removed
        marks = ", ".join(["%s"] * len(keys))
        with connections[PRIMARY].cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {Refusal._meta.db_table} WHERE idempotency_key IN ({marks})",  # noqa: S608
                sorted(keys),
            )
        removed += len(keys)
