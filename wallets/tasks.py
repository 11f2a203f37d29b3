"""What runs by the clock. Each task makes one call and is safe to run twice."""

from __future__ import annotations

import logging

from celery import shared_task

from wallets import operations

logger = logging.getLogger(__name__)


@shared_task
def purge_refusals() -> None:
    """Remove refusals past their keeping time."""
    removed = operations.purge_refusals()
    if removed:
        logger.info("refusals.purged", extra={"refusals": removed})
