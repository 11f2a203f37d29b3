"""Files of exports go when their time is over; unfinished ones when nobody works on them."""

from __future__ import annotations

import time
from typing import Final
from uuid import UUID

from wallet_project.kit.clock import now
from wallets.exports import claims, jobs, worker
from wallets.exports.models import ExportStatus

BATCH: Final = 100
ORPHAN_SECONDS: Final = 24 * 3600


def purge(*, batch_size: int = BATCH) -> int:
    """Remove the files whose time is over, a batch of them; return how many that were.

    The row goes first: a file that is not there is never offered.
    """
    due = claims.rows().filter(status=ExportStatus.DONE, expires_at__lte=now())
    removed = 0
    for pk, file in list(due.order_by("expires_at").values_list("pk", "file")[:batch_size]):
        if (
            claims.rows()
            .filter(pk=pk, status=ExportStatus.DONE)
            .update(status=ExportStatus.EXPIRED)
        ):
            removed += 1
        if file:
            worker.storage().delete(file)
    _remove_orphans()
    return removed


def _remove_orphans() -> None:
    """Remove unfinished files, a day old, of exports that have ended."""
    for path in worker.folder().glob("*.part"):
        if time.time() - path.stat().st_mtime < ORPHAN_SECONDS:
            continue
        rows = claims.rows().filter(pk=UUID(hex=path.name[:32]), status__in=jobs.UNFINISHED)
        if not rows.filter(part=path.name).exists():
            path.unlink(missing_ok=True)
