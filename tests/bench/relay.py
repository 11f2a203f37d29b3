"""How many events a second one relay brings from the outbox into Kafka.

Part of `make bench`. Prints medians, for a thousand streams and for a single one.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.conf import settings  # noqa: E402

from events import leases, queries, relay, topics  # noqa: E402
from events.broker import KafkaBroker  # noqa: E402
from tests import databases  # noqa: E402
from tests.integration.events.conftest import Streams  # noqa: E402

EVENTS = 20_000
RUNS = 3


def rate(number: int, *, events: int, runs: int) -> float:
    """Measure events a second for so many streams: the median of several runs."""
    rates = []
    for _ in range(runs):
        settings.KAFKA_TOPIC_FACTS = f"bench-{uuid4()}"
        topics.ensure(
            [topics.Topic(settings.KAFKA_TOPIC_FACTS, 12, 1, {})],
            wait_seconds=30,
            say=lambda _: None,
        )
        streams = Streams()
        known = streams.new(number)
        for _ in range(events // 1_000):
            streams.tell(*known * (1_000 // number))
        rates.append(_drain(events))
        databases.empty_tables()
    return statistics.median(rates)


def _drain(events: int) -> float:
    kafka = KafkaBroker(settings.KAFKA_BOOTSTRAP_SERVERS, record_bytes_max=1024 * 1024)
    holder = leases.holder_name()
    started = time.perf_counter()
    while queries.pending_count():
        drained = relay.drain_once(kafka, holder=holder)
        if drained.failure or time.perf_counter() - started > 120:
            raise RuntimeError(f"The relay does not keep up: {drained}")
    took = time.perf_counter() - started
    leases.give_back(holder)
    kafka.close()
    return events / took


def main() -> int:
    """Measure and print."""
    databases.make_test_database()
    figures = {}
    for number in (1_000, 1):
        name = f"relay, {number} streams"
        quick = "--quick" in sys.argv
        figures[name] = rate(number, events=4_000 if quick else EVENTS, runs=1 if quick else RUNS)
        sys.stderr.write(f"{name:40} {figures[name]:8.0f} a second\n")
    sys.stdout.write(json.dumps({"perSecond": figures}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
