"""Who works on which export. All that a worker writes down is guarded by its lease."""

from __future__ import annotations

import os
import secrets
import socket
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from wallet_project.kit.database import INTERACTIVE, PRIMARY, run_retrying
from wallets.exports.models import ExportJob, ExportStatus, Format

LEASE: Final = timedelta(seconds=60)
"""Longer than a few thousand lines take: who lives renews it, who was killed is followed."""
ATTEMPTS_MAX: Final = 5
"""How often an export is begun without coming forward before it has failed."""


class LeaseLost(Exception):
    """Somebody else works on the export now, or it was cancelled."""


def take(*, books_max: int | None = None) -> ExportJob | None:
    """Claim the export that has waited longest, if there is room for one more at a time.

    :param books_max: leave workbooks and PDF of more lines, which cannot be made in slices.
    """
    return run_retrying(lambda: _take(books_max), INTERACTIVE, operation="claim_export")


def checkpoint(job: ExportJob, **columns: Any) -> None:
    """Write down how far an export has come, and keep its lease.

    :raises LeaseLost: if it is not this worker's any more.
    """
    _update(job, lease_until=Now() + LEASE, **columns)


def give_back(job: ExportJob, **columns: Any) -> None:
    """Let anybody go on; those that wait come first.

    :raises LeaseLost: if it is not this worker's any more.
    """
    _update(job, status=ExportStatus.PENDING, holder="", lease_until=Now(), **columns)


def end(job: ExportJob, status: ExportStatus, **columns: Any) -> None:
    """End the work on an export.

    :raises LeaseLost: if it is not this worker's any more.
    """
    _update(job, status=status, holder="", lease_until=None, **columns)


def rows() -> models.QuerySet[ExportJob]:
    """Return all exports, as the primary has them."""
    return ExportJob.objects.using(PRIMARY)


def _take(books_max: int | None) -> ExportJob | None:
    most: int = settings.EXPORTS_AT_ONCE
    running = rows().filter(status=ExportStatus.RUNNING, lease_until__gt=Now()).count()
    if running >= most:
        return None
    left = Q(status=ExportStatus.RUNNING, lease_until__lte=Now())
    free = left | Q(status=ExportStatus.PENDING)
    if books_max is not None:
        free &= ~Q(format__in=(Format.XLSX, Format.PDF), last__gte=F("first") + books_max)
    found = rows().filter(free).order_by("lease_until", "id").values_list("pk", flat=True).first()
    if found is None:
        return None
    holder = f"{socket.gethostname()[:32]}:{os.getpid()}:{secrets.token_hex(4)}"
    with transaction.atomic(using=PRIMARY):
        taken = (
            rows()
            .filter(free, pk=found)
            .update(
                status=ExportStatus.RUNNING,
                holder=holder,
                lease_until=Now() + LEASE,
                attempts=F("attempts") + 1,
            )
        )
    # Another worker was faster: what else there is waits for the next look.
    return rows().get(pk=found) if taken else None


def _update(job: ExportJob, **columns: Any) -> None:
    def body() -> int:
        with transaction.atomic(using=PRIMARY):
            mine = rows().filter(pk=job.pk, holder=job.holder, status=ExportStatus.RUNNING)
            return mine.update(**columns)

    if not run_retrying(body, INTERACTIVE, operation="write_export"):
        raise LeaseLost(str(job.pk))
    for name, value in columns.items():
        if name not in ("lease_until", "holder"):
            setattr(job, name, value)
