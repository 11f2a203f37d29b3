"""What runs by the clock. Each task makes one call and is safe to run twice."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from celery import shared_task
from django.conf import settings

from events.consumers.notifications import keeping, sender
from events.consumers.notifications.models import Notification
from wallet_project.kit import database
from wallet_project.kit.clock import now
from wallet_project.kit.sending import send_due

logger = logging.getLogger(__name__)

BUDGET_SECONDS: Final = 3.0
"""The worker relays events as well, and those do not wait for mails."""


@shared_task
def send_notifications() -> None:
    """Send what is due to customers."""
    send_due(Notification, sender.send, budget_seconds=BUDGET_SECONDS)


@shared_task
def purge_notifications() -> None:
    """Remove notifications past their keeping time."""
    with database.as_user(settings.DATABASE_REAPER):
        removed = keeping.purge_notifications(
            older_than=now() - timedelta(days=settings.NOTIFICATIONS_KEPT_DAYS)
        )
    if removed:
        logger.info("notifications.purged", extra={"notifications": removed})
