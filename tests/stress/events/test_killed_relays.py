"""Relay processes killed and frozen at random moments: everything arrives, nothing jumps ahead."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError

from events import topics
from events.leases import LONG_AGO
from events.models import OutboxEvent, OutboxStatus, ShardLease
from tests import databases
from tests.integration.events.conftest import Streams
from tests.integration.events.conftest import streams as streams
from tests.integration.events.reading import Told, jumps, told_by_log, told_by_topic

pytestmark = pytest.mark.stress

ROOT = Path(__file__).resolve().parents[3]
SEED = 20_261_121


@pytest.fixture
def told(settings: Any, database: None) -> Callable[[], Told]:
    """Return a function that reads back what was published by this test."""
    if not settings.KAFKA_BOOTSTRAP_SERVERS:
        settings.EVENT_LOG.unlink(missing_ok=True)
        return lambda: told_by_log(settings.EVENT_LOG)
    name = f"test-{uuid4()}"
    topics.ensure([topics.Topic(name, 12, 1, {})], wait_seconds=30, say=lambda _: None)
    settings.KAFKA_TOPIC_FACTS = name
    return lambda: told_by_topic(name)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Return a function that starts `manage.py relay`; whatever still runs is killed at the end."""
    errors = (tmp_path / "relays.log").open("ab")
    started: list[subprocess.Popen[bytes]] = []

    def run() -> subprocess.Popen[bytes]:
        started.append(
            subprocess.Popen(
                [sys.executable, "manage.py", "relay"],
                cwd=ROOT,
                env=databases.environment(),
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        )
        return started[-1]

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()
    errors.close()


def wait_until_it_minds_sigterm(process: subprocess.Popen[bytes]) -> None:
    """Wait until a relay that has just been started has its handler in place."""
    deadline = time.monotonic() + 30
    while True:
        status = Path(f"/proc/{process.pid}/status").read_text()
        caught = int(status.partition("SigCgt:")[2].split()[0], 16)
        if caught >> (signal.SIGTERM - 1) & 1:
            return
        assert time.monotonic() < deadline
        time.sleep(0.05)


def waiting() -> int:
    return OutboxEvent.objects.filter(status=OutboxStatus.PENDING).count()


def wait_until_published(*, below: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while waiting() > below:
        assert time.monotonic() < deadline, f"{waiting()} events still wait"
        time.sleep(0.02)


def expire_leases() -> None:
    """Let the heir begin at once; thirty seconds of waiting prove nothing more."""
    # A relay may be frozen just while it holds the rows; the next round does it then.
    with suppress(OperationalError):
        ShardLease.objects.update(expires_at=LONG_AGO)


def assert_honest(told: Told, streams: Streams) -> None:
    assert not jumps(told)
    assert {stream: max(sequences) for stream, sequences in told.items()} == streams.sequences
    rows = list(OutboxEvent.objects.order_by("position").only("position", "stream", "sequence"))
    assert len({row.position for row in rows}) == len(rows)
    positioned: Told = {}
    for row in rows:
        assert row.sequence is not None
        positioned.setdefault(row.stream, []).append(row.sequence)
    assert not jumps(positioned)


def test_a_relay_killed_at_work_and_started_again_loses_nothing(
    streams: Streams, told: Callable[[], Told], start: Callable[[], subprocess.Popen[bytes]]
) -> None:
    known = streams.new(50)
    for _ in range(160):
        streams.tell(*known)
    total = waiting()

    first = start()
    wait_until_published(below=total - 1)
    first.kill()
    first.wait()
    assert waiting() > 0, "the relay was faster than the kill: nothing was tested"
    expire_leases()
    second = start()
    wait_until_published(below=0)
    second.send_signal(signal.SIGTERM)

    assert second.wait(timeout=25) == 0
    assert set(ShardLease.objects.values_list("holder", flat=True)) == {""}
    assert_honest(told(), streams)


def test_relays_frozen_and_killed_at_random_never_jump_ahead(
    streams: Streams, told: Callable[[], Told], start: Callable[[], subprocess.Popen[bytes]]
) -> None:
    dice = random.Random(SEED)
    known = streams.new(30)
    relays = [start(), start()]
    end = time.monotonic() + 25
    kills = freezes = 0
    while time.monotonic() < end:
        for _ in range(dice.randrange(1, 6)):
            streams.tell(*dice.sample(known, 20))
        victim = dice.randrange(2)
        if dice.random() < 0.3:
            relays[victim].kill()
            relays[victim].wait()
            relays[victim] = start()
            kills += 1
        else:
            relays[victim].send_signal(signal.SIGSTOP)
            # The other one takes over while this one believes that it holds the shards.
            expire_leases()
            time.sleep(dice.uniform(0.05, 1.0))
            relays[victim].send_signal(signal.SIGCONT)
            freezes += 1
        expire_leases()
        time.sleep(dice.uniform(0.0, 0.4))
    expire_leases()
    wait_until_published(below=0)
    for one in relays:
        wait_until_it_minds_sigterm(one)
        one.terminate()
    assert [one.wait(timeout=25) for one in relays] == [0, 0]

    assert kills >= 3
    assert freezes >= 3
    assert_honest(told(), streams)
