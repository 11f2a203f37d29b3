"""What runs by the clock. Each task makes one call and is safe to run twice."""

from __future__ import annotations

import logging

from celery import shared_task

from wallets.reconciliation.operations import read_suspense as reading

logger = logging.getLogger(__name__)


@shared_task
def read_suspense() -> None:
    """Let what was posted on suspense be seen on the desk."""
    found = reading.read_suspense()
    if found:
        logger.info("suspense.read", extra={"items": found})
