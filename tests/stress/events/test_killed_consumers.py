"""Consumers killed and frozen at random, Kafka and the database away: one effect, in order."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections

from deploy.stack import layout
from events import relay, topics
from events.broker import Broker, KafkaBroker, LocalLogBroker
from events.models import ConsumedEvent, DeadLetter
from tests import databases, effects, outages
from tests.consuming_process import Start, dead_letters_of, starting
from tests.integration.events.conftest import Streams
from tests.integration.events.conftest import holder as holder
from tests.integration.events.conftest import streams as streams
from tests.stress.faults import parts

pytestmark = [pytest.mark.stress, pytest.mark.timeout(420)]

SEED = 20_261_122


@pytest.fixture
def broker(settings: Any, database: None) -> Iterator[Broker]:
    """A topic, or a log, of this test alone, and tables for what its consumer does."""
    made: Broker
    if settings.KAFKA_BOOTSTRAP_SERVERS:
        settings.KAFKA_TOPIC_FACTS = f"test-{uuid4()}"
        names = [settings.KAFKA_TOPIC_FACTS, dead_letters_of(settings.KAFKA_TOPIC_FACTS)]
        wanted = [topics.Topic(name, 12, 1, {}) for name in names]
        topics.ensure(wanted, wait_seconds=30, say=lambda _: None)
        made = KafkaBroker(settings.KAFKA_BOOTSTRAP_SERVERS, record_bytes_max=1024 * 1024)
    else:
        settings.EVENT_LOG.unlink(missing_ok=True)
        made = LocalLogBroker(settings.EVENT_LOG)
    with effects.tables():
        yield made
    made.close()


@pytest.fixture
def publish(broker: Broker, holder: str) -> Callable[[], None]:
    """Return a function that sends what waits in the outbox, again if the broker is away."""

    def send() -> None:
        drained = relay.drain_once(broker, holder=holder)
        while drained.left:
            drained = relay.drain_once(broker, holder=holder)

    return send


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "consumers.log"


@pytest.fixture
def start(broker: Broker, log: Path, settings: Any) -> Iterator[Callable[..., Any]]:
    """Return a function that starts a process that consumes."""
    with starting(log, databases.environment()) as start_on:
        yield lambda **more: start_on(settings.KAFKA_TOPIC_FACTS, batch=50, **more)


def wait_until_done(streams: Streams, log: Path, *, seconds: float = 120) -> None:
    total = sum(streams.sequences.values())
    deadline = time.monotonic() + seconds
    while ConsumedEvent.objects.count() < total:
        assert time.monotonic() < deadline, log.read_text()[-4_000:]
        time.sleep(0.2)


def assert_once_and_in_order(streams: Streams) -> None:
    assert effects.done() == {
        stream: list(range(1, sequence + 1)) for stream, sequence in streams.sequences.items()
    }
    assert not DeadLetter.objects.exists()


def test_consumers_killed_and_frozen_at_random_have_one_effect_in_order(
    streams: Streams, publish: Callable[[], None], start: Start, log: Path
) -> None:
    dice = random.Random(SEED)
    known = streams.new(30)
    running = [start(EFFECT_PAUSE_SECONDS="0.002") for _ in range(2)]
    end = time.monotonic() + 45
    kills = 0
    while time.monotonic() < end or kills < 5:
        for _ in range(dice.randrange(1, 6)):
            streams.tell(*dice.sample(known, 20))
        publish()
        victim = dice.randrange(2)
        if dice.random() < 0.4:
            running[victim].kill()
            running[victim].wait()
            running[victim] = start(EFFECT_PAUSE_SECONDS="0.002")
            kills += 1
            time.sleep(dice.uniform(1.0, 4.0))
        else:
            with frozen(running[victim]):
                time.sleep(dice.uniform(0.05, 2.0))
        time.sleep(dice.uniform(0.0, 1.0))
    wait_until_done(streams, log)

    assert len(effects.processes()) >= 2
    assert_once_and_in_order(streams)


@pytest.mark.full_stack
def test_consumers_outlive_kafka_and_the_database(
    streams: Streams, publish: Callable[[], None], start: Start, log: Path
) -> None:
    known = streams.new(20)
    running = [start() for _ in range(2)]

    def tell() -> None:
        connections.close_all()  # as the server has done with those that lay idle
        for _ in range(5):
            streams.tell(*known)
        publish()

    tell()
    wait_until_done(streams, log)
    parts.kill(layout.KAFKA)
    try:
        time.sleep(8)
    finally:
        parts.start(layout.KAFKA)
    tell()
    wait_until_done(streams, log)
    tell()
    with outages.primary_frozen():
        time.sleep(10)
    tell()
    wait_until_done(streams, log)

    assert [process.poll() for process in running] == [None, None]
    for process in running:
        process.terminate()
    assert [process.wait(timeout=30) for process in running] == [0, 0]
    assert_once_and_in_order(streams)


@contextmanager
def frozen(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Let a process do nothing for a while."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)
