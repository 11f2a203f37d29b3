"""A relay ends or freezes at the worst moments: what comes twice is the same, nothing jumps."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from events.models import OutboxEvent, OutboxStatus, ShardLease
from tests import databases
from tests.integration.events.conftest import Streams
from tests.integration.events.conftest import streams as streams
from tests.integration.events.reading import Told, read_topic
from tests.stress.events.test_killed_relays import (
    ROOT,
    assert_honest,
    expire_leases,
    wait_until_published,
    waiting,
)
from tests.stress.events.test_killed_relays import start as start
from tests.stress.events.test_killed_relays import told as told
from tests.stress.faults import parts

pytestmark = [pytest.mark.full_stack, pytest.mark.stress]

Start = Callable[[], "subprocess.Popen[bytes]"]
StartAt = Callable[[str], "subprocess.Popen[bytes]"]


@pytest.fixture
def start_breaking(told: object) -> Iterator[StartAt]:
    """Return a function that starts a relay with a breaking point; none of them is left."""
    started: list[subprocess.Popen[bytes]] = []

    def run(point: str) -> subprocess.Popen[bytes]:
        words = ["-m", "tests.stress.faults.relay_with_a_breaking_point", point]
        started.append(
            subprocess.Popen(
                [sys.executable, *words],
                cwd=ROOT,
                env=databases.environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        return started[-1]

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_what_a_relay_sent_and_did_not_mark_comes_again_as_it_was(
    streams: Streams,
    told: Callable[[], Told],
    start: Start,
    start_breaking: StartAt,
    settings: Any,
) -> None:
    known = streams.new(30)
    for _ in range(5):
        streams.tell(*known)
    everything = waiting()

    first = start_breaking("die-before-mark")
    assert first.wait(timeout=30) == 9
    assert waiting() == everything, "It died too late: something is marked."
    assert len(read_topic(settings.KAFKA_TOPIC_FACTS)) == everything, "It died too early."
    streams.tell(*known)
    expire_leases()
    second = start()
    wait_until_published(below=0)
    second.send_signal(signal.SIGTERM)

    assert second.wait(timeout=25) == 0
    assert_honest(told(), streams)
    assert assert_repeats_are_the_same(settings.KAFKA_TOPIC_FACTS) == everything


@pytest.mark.parametrize("point", ["freeze-before-send", "freeze-before-mark"])
def test_a_relay_that_wakes_up_late_repeats_what_is_known_and_marks_nothing_twice(
    point: str,
    streams: Streams,
    told: Callable[[], Told],
    start: Start,
    start_breaking: StartAt,
    settings: Any,
) -> None:
    known = streams.new(30)
    for _ in range(5):
        streams.tell(*known)
    everything = waiting()

    first = start_breaking(point)
    parts.until(lambda: _is_stopped(first.pid), what="the relay's stop")
    assert waiting() == everything
    expire_leases()
    second = start()
    wait_until_published(below=0)
    streams.tell(*known)
    wait_until_published(below=0)
    marks = _marks()
    holders = set(ShardLease.objects.values_list("holder", flat=True))
    first.send_signal(signal.SIGCONT)
    parts.until(lambda: _has_come_twice(everything, settings), what="the late chunk")
    streams.tell(*known)
    wait_until_published(below=0)
    for one in (first, second):
        one.terminate()

    assert [one.wait(timeout=25) for one in (first, second)] == [0, 0]
    assert len(holders) == 1
    assert marks.items() <= _marks().items(), "A row was marked twice."
    assert_honest(told(), streams)
    assert assert_repeats_are_the_same(settings.KAFKA_TOPIC_FACTS) == everything


def assert_repeats_are_the_same(topic: str) -> int:
    """Check every record against its row, and return how many came more than once."""
    rows = {row.event_id: row for row in OutboxEvent.objects.all()}
    seen: dict[UUID, list[Any]] = {}
    for record in read_topic(topic):
        seen.setdefault(UUID(dict(record.headers)["ce_id"].decode()), []).append(record)
    assert set(seen) == set(rows)
    for id_, records in seen.items():
        assert {record.value for record in records} == {bytes(rows[id_].payload)}
        assert {record.partition for record in records} == {records[0].partition}
        assert all(record.headers == records[0].headers for record in records)
    return sum(len(records) > 1 for records in seen.values())


def _marks() -> dict[int, tuple[int | None, Any]]:
    rows = OutboxEvent.objects.filter(status=OutboxStatus.PUBLISHED)
    return {row.pk: (row.position, row.published_at) for row in rows}


def _has_come_twice(everything: int, settings: Any) -> bool:
    """Tell whether Kafka has the frozen chunk twice: from both relays."""
    told_by_both = everything + OutboxEvent.objects.count()
    return len(read_topic(settings.KAFKA_TOPIC_FACTS)) >= told_by_both


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
