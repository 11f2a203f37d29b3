"""Deliveries that have ended, and old attempts, leave the database for the archive."""

from __future__ import annotations

from typing import Final

from django.db.models import Q

from events.archive import Archive, register
from events.consumers.webhooks.models import WebhookAttempt, WebhookDelivery

DELIVERIES: Final = Archive(
    name="webhook-deliveries",
    model=WebhookDelivery,
    # Set when a delivery ends, and taken away when it is sent once more.
    time="finished_at",
    order=("finished_at", "id"),
    retention="WEBHOOK_KEPT_DAYS",
    conditions=lambda: (Q(finished_at__isnull=False),),
)
ATTEMPTS: Final = Archive(
    name="webhook-attempts",
    model=WebhookAttempt,
    # Not by their end: one whose process died has none.
    time="started_at",
    order=("id",),
    retention="WEBHOOK_KEPT_DAYS",
)
register(DELIVERIES)
register(ATTEMPTS)
