"""The local event log, read by consumers: from the first line on, each line once."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from events import consuming, relay
from events.broker import LocalLogBroker
from events.consumer import decode
from events.models import DeadLetter, LogPlace
from events.sources import LogSource
from tests import databases, effects
from tests.consuming_process import Start, starting
from tests.integration.events.conftest import Streams


@pytest.fixture(autouse=True)
def effect_tables(database: None) -> Iterator[None]:
    with effects.tables():
        yield


@pytest.fixture
def publish(log: LocalLogBroker, holder: str) -> Callable[[], None]:
    """Return a function that writes what waits in the outbox to the log."""

    def write() -> None:
        while relay.drain_once(log, holder=holder).left:
            pass

    return write


def sequences(source: LogSource) -> list[int]:
    return [effects.sequence_of(decode(record)) for record in source.poll()]


def test_reads_batches_and_goes_on_where_it_committed(
    streams: Streams, publish: Callable[[], None], log: LocalLogBroker
) -> None:
    (alice,) = streams.new(1)
    streams.tell(*[alice] * 5)
    publish()
    source = LogSource(effects.consumer(batch=2), log.path)

    assert sequences(source) == [1, 2]
    source.commit()
    assert sequences(source) == [3, 4]
    source.rewind()
    assert sequences(source) == [3, 4]
    assert sequences(LogSource(effects.consumer(), log.path)) == [3, 4, 5]
    source.commit()
    assert sequences(source) == [5]
    assert sequences(source) == []
    assert source.lag() == {("events.jsonl", 0): 0}
    assert sequences(LogSource(effects.consumer(), log.path)) == [5]


def test_a_line_without_its_end_is_not_there_yet(
    streams: Streams, publish: Callable[[], None], log: LocalLogBroker
) -> None:
    (alice,) = streams.new(1)
    streams.tell(alice, alice)
    publish()
    whole = log.path.read_bytes()
    torn = whole[:-40]
    source = LogSource(effects.consumer(), log.path)

    log.path.write_bytes(torn)
    assert sequences(source) == [1]
    source.commit()
    assert sequences(source) == []
    log.path.write_bytes(whole)
    assert sequences(source) == [2]


def test_other_topics_are_passed_over(
    streams: Streams, publish: Callable[[], None], log: LocalLogBroker
) -> None:
    (alice,) = streams.new(1)
    streams.tell(alice)
    publish()
    deaf = LogSource(replace(effects.consumer(), topics=("elsewhere",)), log.path)

    assert deaf.poll() == []
    assert LogPlace.objects.get().offset == log.path.stat().st_size


def test_a_log_that_was_replaced_is_read_from_its_beginning(
    streams: Streams, publish: Callable[[], None], log: LocalLogBroker
) -> None:
    (alice,) = streams.new(1)
    streams.tell(*[alice] * 4)
    publish()
    LogPlace.objects.create(consumer=effects.NAME, offset=log.path.stat().st_size + 9)
    assert sequences(LogSource(effects.consumer(), log.path)) == [1, 2, 3, 4]

    LogPlace.objects.update(offset=7)
    assert sequences(LogSource(effects.consumer(), log.path)) == [1, 2, 3, 4]


def test_no_log_yet_is_nothing_to_read(database: None, tmp_path: Path) -> None:
    source = LogSource(effects.consumer(), tmp_path / "events.jsonl")

    assert source.poll() == []
    assert source.lag() == {("events.jsonl", 0): 0}


def test_a_line_that_is_no_event_is_put_aside_and_the_rest_is_handled(
    streams: Streams, publish: Callable[[], None], log: LocalLogBroker, settings: Any
) -> None:
    settings.KAFKA_BOOTSTRAP_SERVERS = []
    settings.EVENT_LOG = log.path
    (alice,) = streams.new(1)
    streams.tell(alice)
    publish()
    with log.path.open("ab") as lines:
        lines.write(b"somebody wrote here by hand\n")
    streams.tell(alice)
    publish()
    stop = threading.Event()
    thread = threading.Thread(target=consuming.run, args=([effects.consumer()], stop))

    thread.start()
    deadline = time.monotonic() + 30
    while effects.done() != {alice: [1, 2]} and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    thread.join()

    assert effects.done() == {alice: [1, 2]}
    assert bytes(DeadLetter.objects.get().value) == b"somebody wrote here by hand"
    assert LogPlace.objects.get().offset == log.path.stat().st_size


@pytest.fixture
def start(settings: Any, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Return a function that starts a process that consumes the run's own log."""
    environment = databases.environment() | {"KAFKA_BOOTSTRAP_SERVERS": ""}
    settings.EVENT_LOG.unlink(missing_ok=True)
    with starting(tmp_path / "consumers.log", environment) as start_on:
        yield lambda *words, **more: start_on(settings.KAFKA_TOPIC_FACTS, *words, **more)
    settings.EVENT_LOG.unlink(missing_ok=True)


def test_a_killed_process_and_two_at_once_have_one_effect_in_order(
    streams: Streams, start: Start, holder: str, settings: Any, tmp_path: Path
) -> None:
    log = LocalLogBroker(settings.EVENT_LOG)
    known = streams.new(10)

    def tell() -> None:
        for _ in range(10):
            streams.tell(*known)
            while relay.drain_once(log, holder=holder).left:
                pass

    tell()

    killed = start("die-before-commit", batch=30)
    assert killed.wait(timeout=60) == -9
    assert sum(len(done) for done in effects.done().values()) == 30
    assert not LogPlace.objects.exists()
    both = [start(batch=7), start(batch=11)]
    deadline = time.monotonic() + 60
    while (tmp_path / "consumers.log").read_text().count("consume: started") < 3:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    tell()
    while sum(len(done) for done in effects.done().values()) < 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)  # the slower one may still repeat
    for process in both:
        process.terminate()

    assert [process.wait(timeout=30) for process in both] == [0, 0]
    assert effects.done() == {stream: list(range(1, 21)) for stream in known}
