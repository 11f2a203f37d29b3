"""Work that Celery beat starts. Each task is a thin door to one function."""

from __future__ import annotations

import time
from typing import Final

from celery import shared_task
from django.conf import settings

from events import archive, leases, metrics, relay
from events.broker import broker
from wallet_project.kit import database, heartbeat

TICK_SECONDS: Final = 1.0
BUDGET_SECONDS: Final = 0.9
ARCHIVE_SECONDS: Final = 10.0


@shared_task(ignore_result=True, expires=TICK_SECONDS, time_limit=60)
def drain_outbox() -> None:
    """Publish what waits, for less than a tick.

    Ticks do not pile up: one that lies in the queue for a second is dropped, and one that meets
    another relay at work finds no free shard and leaves. The replica's heartbeat goes first: it
    must beat without a relay process, too.
    """
    heartbeat.beat()
    if relay.has_work():
        holder = leases.holder_name()
        try:
            relay.drain_once(broker(), holder=holder, budget_seconds=BUDGET_SECONDS)
        finally:
            leases.give_back(holder)
    metrics.refresh()


@shared_task(ignore_result=True, time_limit=60)
def archive_rows() -> None:
    """Move rows past their keeping time to the archive, for a part of the minute until the next.

    Two at once do no harm: each file counts once.
    """
    started = time.monotonic()
    with database.as_user(settings.DATABASE_REAPER):
        for one in archive.ARCHIVES.values():
            before = archive.cutoff(one)
            if before is not None:
                archive.move(
                    one, before=before, enough=lambda: time.monotonic() - started > ARCHIVE_SECONDS
                )
