"""Who is told of events inside the service. `manage.py consume` runs them, by these names."""

from __future__ import annotations

from typing import Final

from django.conf import settings

from events.consumer import Consumer
from events.consumers.fraud import handlers as fraud
from events.consumers.notifications import handlers as notifications
from events.consumers.webhooks.handlers import fan_out
from wallets import operation_worker, reactions

_FACTS: Final = (settings.KAFKA_TOPIC_FACTS,)
_ALERTS: Final = (settings.KAFKA_TOPIC_FRAUD_ALERTS,)
_PAYOUTS: Final = (settings.KAFKA_TOPIC_PAYOUTS,)

CONSUMERS: Final[dict[str, Consumer]] = {
    one.name: one
    for one in (
        Consumer(
            name="operations",
            topics=(settings.KAFKA_TOPIC_OPERATIONS,),
            handle=operation_worker.handle,
            batch=settings.OPERATIONS_BATCH,
            collect_seconds=settings.OPERATIONS_COLLECT_MS / 1000,
            transactional=False,
        ),
        Consumer("webhooks", _FACTS, fan_out),
        # What it reads and locks first costs the same for one fact as for hundreds.
        Consumer("fraud", _FACTS, fraud.judge, batch=500),
        Consumer("freezer", _ALERTS, reactions.freeze_and_unfreeze),
        Consumer("notifications", (*_FACTS, *_PAYOUTS), notifications.note),
    )
}
"""Each under the name it has itself. A name is for ever: it keeps the place in the topics."""
