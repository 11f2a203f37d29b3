"""How deliveries fare. Alarm on the age of the oldest: one receiver's failures are its own."""

from __future__ import annotations

from django.db.models.functions import Now
from prometheus_client import Counter, Gauge, Histogram

from events.consumers.webhooks.models import DeliveryStatus, WebhookDelivery
from wallet_project.kit import clock
from wallet_project.kit.database import PRIMARY

ATTEMPTS = Counter(
    "wallet_webhook_attempts_total",
    "Attempts to deliver, by how they ended",
    ["outcome"],
)
DURATION = Histogram(
    "wallet_webhook_attempt_duration_seconds",
    "How long attempts took",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
)
DISABLED = Counter(
    "wallet_webhook_endpoints_disabled_total",
    "Endpoints that the service disabled",
    ["reason"],
)
PENDING = Gauge(
    "wallet_webhook_pending",
    "Deliveries that wait for an attempt, retries included",
    multiprocess_mode="mostrecent",
)
OVERDUE_SECONDS = Gauge(
    "wallet_webhook_overdue_seconds",
    "For how many seconds a delivery has been due to an endpoint that has not failed",
    multiprocess_mode="mostrecent",
)


def refresh() -> None:
    """Measure what waits: two short reads on an index."""
    pending = WebhookDelivery.objects.using(PRIMARY).filter(status=DeliveryStatus.PENDING)
    PENDING.set(pending.count())
    # A receiver that fails or hangs makes its own queue wait; that is no alarm of ours.
    due = pending.filter(next_attempt_at__lte=Now(), endpoint__failures=0)
    first = due.order_by("next_attempt_at").values_list("next_attempt_at", flat=True).first()
    OVERDUE_SECONDS.set(0 if first is None else max(0, (clock.now() - first).total_seconds()))
