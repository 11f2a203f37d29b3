"""Consumers as processes of their own, on real Kafka: killed, doubled, ended, poisoned."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.db import connections
from kafka import KafkaAdminClient

from events import relay, topics
from events.broker import KafkaBroker
from events.models import ConsumedEvent, DeadLetter, LetterStatus
from tests import databases, effects
from tests.consuming_process import Start, dead_letters_of, starting
from tests.integration.events.conftest import Streams
from tests.integration.events.reading import read_topic
from wallet_project.kit.database import PRIMARY

pytestmark = pytest.mark.full_stack

ATTEMPTS = 3


@pytest.fixture
def topic(settings: Any, database: None) -> Iterator[str]:
    """A topic of this test alone, and tables for what its consumer does."""
    name = f"test-{uuid4()}"
    settings.KAFKA_TOPIC_FACTS = name
    settings.KAFKA_TOPIC_DEAD_LETTERS = dead_letters_of(name)
    made = [topics.Topic(one, 12, 1, {}) for one in (name, dead_letters_of(name))]
    topics.ensure(made, wait_seconds=30, say=lambda _: None)
    with effects.tables():
        yield name


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "consumers.log"


@pytest.fixture
def start(topic: str, log: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Return a function that starts a process that consumes the topic."""
    environment = databases.environment() | {
        "CONSUMER_ATTEMPTS_MAX": str(ATTEMPTS),
        "CONSUMER_RETRY_MS": "20",
    }
    with starting(log, environment) as start_on:
        yield lambda *words, topic=topic, **more: start_on(topic, *words, **more)


@pytest.fixture
def publish(settings: Any, holder: str) -> Iterator[Callable[[], None]]:
    """Return a function that sends what waits in the outbox."""
    kafka = KafkaBroker(settings.KAFKA_BOOTSTRAP_SERVERS, record_bytes_max=1024 * 1024)

    def send() -> None:
        while (drained := relay.drain_once(kafka, holder=holder)).left:
            assert not drained.failure
        # The relay has made the session one that may not idle for long, and tests wait.
        connections[PRIMARY].close()

    yield send
    kafka.close()


def wait_for(what: Callable[[], bool], log: Path, *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, log.read_text()[-4_000:]
        time.sleep(0.05)


def count() -> int:
    return sum(len(sequences) for sequences in effects.done().values())


def committed(topic: str, settings: Any) -> int:
    """Count the records that the group has told Kafka to be settled."""
    admin = KafkaAdminClient(bootstrap_servers=settings.KAFKA_BOOTSTRAP_SERVERS)
    try:
        group = f"{topic}.wallet.{effects.NAME}"
        offsets = admin.list_group_offsets({group: None})[group]
        return sum(max(one.offset, 0) for one in offsets.values())
    finally:
        admin.close()


def test_a_process_killed_before_it_commits_its_offsets_repeats_without_effect(
    streams: Streams,
    start: Start,
    publish: Callable[[], None],
    log: Path,
    topic: str,
    settings: Any,
) -> None:
    known = streams.new(20)
    for _ in range(10):
        streams.tell(*known)
    publish()

    first = start("die-before-commit", batch=30)
    assert first.wait(timeout=60) == -signal.SIGKILL
    done_by_first = count()
    assert 0 < done_by_first < 200
    assert ConsumedEvent.objects.count() == done_by_first
    assert committed(topic, settings) == 0
    second = start(batch=30)
    wait_for(lambda: count() >= 200, log)
    second.terminate()

    assert second.wait(timeout=30) == 0
    assert effects.done() == {stream: list(range(1, 11)) for stream in known}
    assert committed(topic, settings) == 200


def test_sigterm_finishes_the_batch_in_hand_and_commits_it(
    streams: Streams,
    start: Start,
    publish: Callable[[], None],
    log: Path,
    topic: str,
    settings: Any,
) -> None:
    known = streams.new(5)
    for _ in range(20):
        streams.tell(*known)
    publish()

    process = start(batch=20, EFFECT_PAUSE_SECONDS="0.05")
    wait_for(lambda: count() >= 20, log)
    time.sleep(0.2)  # now it is in the midst of another batch
    before = count()
    process.terminate()

    assert process.wait(timeout=30) == 0
    assert before < count() < 100, "the batch in hand was dropped, or all was done before the end"
    assert committed(topic, settings) == count() == ConsumedEvent.objects.count()
    assert all(done == list(range(1, len(done) + 1)) for done in effects.done().values())


def test_a_second_process_takes_a_share_and_nothing_is_lost_or_disordered(
    streams: Streams, start: Start, publish: Callable[[], None], log: Path
) -> None:
    known = streams.new(40)
    first = start(batch=20, EFFECT_PAUSE_SECONDS="0.003")
    total = 0

    def tell() -> None:
        nonlocal total
        for _ in range(5):
            streams.tell(*known)
        total += 200
        publish()

    tell()
    wait_for(lambda: count() > 20, log)
    second = start(batch=20, EFFECT_PAUSE_SECONDS="0.003")
    deadline = time.monotonic() + 60
    while len(effects.processes()) < 2:
        assert time.monotonic() < deadline, log.read_text()[-4_000:]
        tell()
        time.sleep(0.2)
    tell()
    first.kill()  # its partitions come to the second when its session has ended
    tell()
    wait_for(lambda: count() >= total, log, seconds=90)
    second.terminate()

    assert second.wait(timeout=30) == 0
    assert effects.done() == {
        stream: list(range(1, sequence + 1)) for stream, sequence in streams.sequences.items()
    }


def test_a_process_that_was_frozen_for_a_session_does_no_harm_when_it_goes_on(
    streams: Streams, start: Start, publish: Callable[[], None], log: Path
) -> None:
    """Others have its partitions by then, and it has a batch in hand."""
    known = streams.new(10)
    for _ in range(30):
        streams.tell(*known)
    publish()

    frozen = start(batch=50, EFFECT_PAUSE_SECONDS="0.01")
    wait_for(lambda: count() >= 50, log)
    frozen.send_signal(signal.SIGSTOP)
    heir = start(batch=50)
    wait_for(lambda: count() >= 300, log)
    frozen.send_signal(signal.SIGCONT)
    streams.tell(*known)
    publish()
    wait_for(lambda: count() >= 310, log)
    for process in (frozen, heir):
        process.terminate()

    assert [process.wait(timeout=30) for process in (frozen, heir)] == [0, 0]
    assert effects.done() == {stream: list(range(1, 32)) for stream in known}


def test_a_process_that_comes_back_gets_its_partitions_at_once(
    streams: Streams, start: Start, publish: Callable[[], None], log: Path
) -> None:
    """Its name is free again as soon as it is gone; without one it would wait for a session."""
    (alice,) = streams.new(1)
    streams.tell(alice)
    publish()
    first = start(CONSUMER_SESSION_SECONDS="300")
    wait_for(lambda: count() == 1, log)
    first.kill()
    first.wait()
    streams.tell(alice)
    publish()

    start(CONSUMER_SESSION_SECONDS="300")
    wait_for(lambda: count() == 2, log, seconds=120)  # a busy machine starts slowly


def test_poison_is_put_aside_and_replayed_while_others_flow(
    streams: Streams, start: Start, publish: Callable[[], None], log: Path, settings: Any
) -> None:
    alice, bob, charlie = streams.new(3)
    for _ in range(20):
        streams.tell(alice, bob, charlie)
    effects.order(effects.POISON, bob, 5)
    publish()

    process = start()
    wait_for(lambda: count() == 44 and DeadLetter.objects.count() == 16, log)

    everything = list(range(1, 21))
    assert effects.done() == {alice: everything, charlie: everything, bob: [1, 2, 3, 4]}
    letter = DeadLetter.objects.get(status=LetterStatus.DEAD)
    assert letter.attempts == ATTEMPTS
    assert (letter.topic, letter.stream) == (settings.KAFKA_TOPIC_FACTS, bob)
    effects.heal()
    _replay(settings)
    streams.tell(alice, bob, charlie)
    publish()
    wait_for(lambda: count() == 63, log)
    process.terminate()

    assert process.wait(timeout=30) == 0
    assert effects.done() == {one: [*everything, 21] for one in (alice, bob, charlie)}
    (announced,) = read_topic(settings.KAFKA_TOPIC_DEAD_LETTERS)
    told = json.loads(announced.value)
    assert announced.key == str(bob).encode()
    assert told["eventId"] == str(letter.event_id)
    assert (told["topic"], told["offset"]) == (letter.topic, letter.offset)


def _replay(settings: Any) -> None:
    settings.EVENT_CONSUMERS = "tests.integration.events.test_consuming.TABLE"
    TABLE[effects.NAME] = effects.consumer()
    call_command("replay_dead_letters")


TABLE: dict[str, Any] = {}


def test_a_consumer_that_is_started_before_its_topic_is_made_waits_for_it(
    streams: Streams,
    start: Start,
    publish: Callable[[], None],
    log: Path,
    settings: Any,
) -> None:
    (alice,) = streams.new(1)
    settings.KAFKA_TOPIC_FACTS = f"test-{uuid4()}"
    start(topic=settings.KAFKA_TOPIC_FACTS)
    wait_for(lambda: "consumer.interrupted" in log.read_text(), log)

    made = topics.Topic(settings.KAFKA_TOPIC_FACTS, 12, 1, {})
    topics.ensure([made], wait_seconds=30, say=lambda _: None)
    streams.tell(alice)
    publish()

    wait_for(lambda: count() == 1, log)


def test_metrics_tell_progress_and_lag(
    streams: Streams, start: Start, publish: Callable[[], None], log: Path
) -> None:
    import urllib.request

    from deploy.stack.layout import find_free

    known: list[UUID] = streams.new(3)
    streams.tell(*known)
    publish()
    port = find_free(frozenset())
    start(f"--metrics-port={port}")
    wait_for(lambda: count() == 3, log)

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()

    counted = dict(re.findall(r'wallet_consumer_events_total\{.*outcome="(\w+)"} (\S+)', text))
    assert counted == {"handled": "3.0", "repeated": "0.0", "held": "0.0"}
    lags = re.findall(r'wallet_consumer_lag\{.*partition="\d+",.*} (\S+)', text)
    assert set(lags) <= {"0.0"}
