"""What runs by the clock. Each task makes one call and is safe to run twice."""

from __future__ import annotations

import logging
from datetime import timedelta

from celery import shared_task
from django.conf import settings

from wallet_project.kit.clock import now
from wallets.operations.purge_refusals import purge_refusals as purge

logger = logging.getLogger(__name__)


@shared_task
def purge_refusals() -> None:
    """Remove refusals past their keeping time."""
    removed = purge(older_than=now() - timedelta(hours=settings.REFUSALS_KEPT_HOURS))
    if removed:
        logger.info("refusals.purged", extra={"refusals": removed})
