"""Work that Celery beat starts. Each task is a thin door to one function."""

from __future__ import annotations

from typing import Final

from celery import shared_task

from events import leases, metrics, relay
from events.broker import broker
from wallet_project.kit import heartbeat

TICK_SECONDS: Final = 1.0
BUDGET_SECONDS: Final = 0.9


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
