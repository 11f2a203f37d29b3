"""How far behind the outbox is. Alarm on age: a number of events says little."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from events import queries

PENDING = Gauge(
    "wallet_outbox_pending",
    "Events that wait to be published, held ones included",
    multiprocess_mode="mostrecent",
)
OLDEST_SECONDS = Gauge(
    "wallet_outbox_oldest_seconds",
    "Age in seconds of the event that waits longest",
    multiprocess_mode="mostrecent",
)
QUARANTINED = Gauge(
    "wallet_outbox_quarantined",
    "Events that cannot be sent as they are and wait for a person",
    multiprocess_mode="mostrecent",
)
PUBLISHED = Counter("wallet_outbox_published_total", "Events acknowledged by the broker and marked")


def refresh() -> None:
    """Measure the outbox: three short reads on an index."""
    PENDING.set(queries.pending_count())
    OLDEST_SECONDS.set(queries.oldest_pending_age_seconds())
    QUARANTINED.set(queries.quarantined_count())
