"""What runs by the clock. Each task makes one call and is safe to run twice."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from celery import shared_task
from django.conf import settings

from events.consumers.fraud import keeping, mails
from events.consumers.fraud.models import FraudAlert
from wallet_project.kit import database
from wallet_project.kit.clock import now
from wallet_project.kit.sending import send_due

logger = logging.getLogger(__name__)

BUDGET_SECONDS: Final = 3.0
"""The worker relays events as well, and those do not wait for mails."""


@shared_task
def send_fraud_mails() -> None:
    """Mail the alerts that wait to be mailed."""
    send_due(FraudAlert, mails.send, budget_seconds=BUDGET_SECONDS)


@shared_task
def purge_fraud_observations() -> None:
    """Remove observations past their keeping time."""
    with database.as_user(settings.DATABASE_REAPER):
        removed = keeping.purge_observations(
            older_than=now() - timedelta(days=settings.FRAUD_KEPT_DAYS)
        )
    if removed:
        logger.info("fraud.observations_purged", extra={"observations": removed})
