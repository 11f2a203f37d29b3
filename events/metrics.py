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
ARCHIVED = Counter(
    "wallet_archived_rows_total", "Rows moved from the database to the archive", ["archive"]
)
CONSUMED = Counter(
    "wallet_consumer_events_total",
    "Events that a consumer read: handled, repeated, held behind a dead letter, or dead",
    ["consumer", "outcome"],
)
LAG = Gauge(
    "wallet_consumer_lag",
    "Records (in the local event log: bytes) that a consumer has not handled yet",
    ["consumer", "topic", "partition"],
    multiprocess_mode="mostrecent",
)
DEAD_LETTERS = Gauge(
    "wallet_dead_letters",
    "Records put aside by a consumer that wait for a person, those held behind others included",
    ["consumer"],
    multiprocess_mode="mostrecent",
)


_lettered: set[str] = set()
"""Consumers whose number stands somewhere and has to be taken back to 0."""


def refresh() -> None:
    """Measure the outbox: four short reads on an index."""
    PENDING.set(queries.pending_count())
    OLDEST_SECONDS.set(queries.oldest_pending_age_seconds())
    QUARANTINED.set(queries.quarantined_count())
    waiting = queries.dead_letter_counts()
    _lettered.update(waiting)
    for consumer in _lettered:
        DEAD_LETTERS.labels(consumer).set(waiting.get(consumer, 0))
