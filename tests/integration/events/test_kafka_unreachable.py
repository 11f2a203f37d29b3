"""The Kafka binding where no Kafka answers. With one: tests/integration/events/."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest

from events import broker as broker_module
from events.broker import KafkaBroker, Record


@pytest.fixture
def closed_port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(broker_module, "BOOTSTRAP_MS", 300)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: every connection is refused
        yield taken.getsockname()[1]


def test_without_kafka_nothing_is_acknowledged_and_nothing_is_blamed(closed_port: int) -> None:
    kafka = KafkaBroker([f"127.0.0.1:{closed_port}"], record_bytes_max=1024)
    before = set(threading.enumerate())

    for _ in range(3):
        outcome = kafka.send([Record("facts", uuid4(), b"{}", [])] * 2, deadline_seconds=1)

        assert outcome.acknowledged == [False, False]
        assert "cannot be reached" in outcome.failure
        assert not outcome.faults
    kafka.close()
    assert set(threading.enumerate()) <= before
