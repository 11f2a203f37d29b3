"""What runs by the clock. Each task makes one call and is safe to run twice."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta
from typing import Final

from celery import shared_task
from django.conf import settings

from ledger import rollups, sealing
from wallet_project.kit import database
from wallet_project.kit.clock import now
from wallets import auditing, metrics, operation_queries, payout_queries, seal_heads
from wallets.operations.expire_holds import expire_holds as expire
from wallets.operations.purge_refusals import purge_refusals as purge
from wallets.operations.recover_operations import recover_operations as recover
from wallets.payouts import http_gateway, worker

RECOVERY_SECONDS: Final = 10.0
SEALING_SECONDS: Final = 15.0

logger = logging.getLogger(__name__)

PAYOUTS_SECONDS: Final = 10
MAIL_SECONDS: Final = 3.0
AUDIT_SECONDS: Final = 60.0


@shared_task
def expire_holds() -> None:
    """End holds whose time has passed."""
    ended = expire()
    if ended:
        logger.info("holds.expired", extra={"holds": ended})


@shared_task
def advance_payouts() -> None:
    """Take the steps of payouts that are due, and of those that a worker has left; measure them."""
    _measure_payouts()
    gateway = http_gateway.configured()
    if gateway is None:
        return
    # What is not begun by then is for the next tick: a gateway that hangs must not use up the
    # time that a task may take.
    stop = threading.Event()
    timer = threading.Timer(PAYOUTS_SECONDS, stop.set)
    timer.start()
    try:
        worker.run_once(gateway, stop=stop)
    finally:
        timer.cancel()


@shared_task(ignore_result=True, expires=AUDIT_SECONDS, time_limit=60)
def audit_wallets() -> None:
    """Hold wallets against the books, and mail what was found."""
    auditing.audit()
    auditing.send_mails(budget_seconds=MAIL_SECONDS)


def _measure_payouts() -> None:
    counted, late = payout_queries.waiting()
    for status, payouts in counted.items():
        metrics.OPEN_PAYOUTS.labels(status).set(payouts)
    metrics.OVERDUE_PAYOUT_SECONDS.set(late.total_seconds())


@shared_task
def purge_refusals() -> None:
    """Remove refusals past their keeping time."""
    with database.as_user(settings.DATABASE_REAPER):
        removed = purge(older_than=now() - timedelta(hours=settings.REFUSALS_KEPT_HOURS))
    if removed:
        logger.info("refusals.purged", extra={"refusals": removed})


@shared_task(ignore_result=True, expires=RECOVERY_SECONDS, time_limit=60)
def recover_operations() -> None:
    """Apply accepted operations that have waited for too long; measure what waits."""
    age = timedelta(seconds=settings.OPERATION_RECOVERY_SECONDS)
    recovered = recover(accepted_before=now() - age)
    if recovered:
        logger.warning("operations.recovered", extra={"operations": recovered})
    waiting = operation_queries.waiting()
    metrics.PENDING_OPERATIONS.set(waiting.operations)
    metrics.OLDEST_OPERATION_SECONDS.set(waiting.oldest.total_seconds())


@shared_task(ignore_result=True)
def seal_ledger() -> None:
    """Seal what has settled, for a part of the minute until the next; what is left waits."""
    started = time.monotonic()
    sealing.seal(
        upto=rollups.settled_upto(),
        tell=seal_heads.tell,
        enough=lambda: time.monotonic() - started > SEALING_SECONDS,
    )
