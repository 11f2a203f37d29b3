"""How many events a second one relay publishes. Run alone, on a quiet machine, with `-s`."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import pytest

from events import relay, topics
from events.broker import KafkaBroker
from tests.integration.events.conftest import Streams
from tests.integration.events.conftest import holder as holder
from tests.integration.events.conftest import streams as streams

pytestmark = [pytest.mark.stress, pytest.mark.full_stack]

EVENTS = 30_000
FLOOR = 1_000
"""A second; far below what a quiet machine does, so that only a broken relay fails."""


@pytest.mark.parametrize("number", [1_000, 1])
def test_one_relay_keeps_up(number: int, streams: Streams, holder: str, settings: Any) -> None:
    name = f"test-{uuid4()}"
    topics.ensure([topics.Topic(name, 12, 1, {})], wait_seconds=30, say=lambda _: None)
    settings.KAFKA_TOPIC_FACTS = name
    known = streams.new(number)
    for _ in range(EVENTS // 1_000):
        streams.tell(*known * (1_000 // number))
    servers: list[str] = settings.KAFKA_BOOTSTRAP_SERVERS
    kafka = KafkaBroker(servers, record_bytes_max=1024 * 1024)

    started = time.perf_counter()
    sent = 0
    while sent < EVENTS:
        drained = relay.drain_once(kafka, holder=holder)
        assert not drained.failure
        sent += drained.sent
    rate = sent / (time.perf_counter() - started)
    kafka.close()

    print(f"\n{number} streams: {rate:,.0f} events/s")  # noqa: T201 - the figure is the point
    assert rate > FLOOR
