"""The relay against a real database and the local event log."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db.models import F
from django.db.models.functions import Now

from events import broker as broker_module
from events import leases, marking, metrics, outbox, queries, relay, releasing, tasks
from events.broker import LocalLogBroker, Outcome, Record
from events.errors import BrokerUnavailable, NothingToRelease
from events.models import EventCounter, OutboxEvent, OutboxStatus, ShardLease
from tests.integration.events.conftest import Streams, fact, record
from tests.integration.events.logs import drain, lines_of, told
from wallet_project.kit.audit import Actor

PENDING, PUBLISHED, HELD, QUARANTINED = OutboxStatus
CAROL = Actor("staff:1", "carol")
MENDED = "the limit was raised"


class LogWithALimit(LocalLogBroker):
    """The local log with Kafka's limit on the size of a record."""

    LIMIT = 1_000

    def send(self, records: Sequence[Record], *, deadline_seconds: float) -> Outcome:
        faults = {i: "too large" for i, one in enumerate(records) if len(one.value) > self.LIMIT}
        blocked: dict[UUID, int] = {}
        for index in sorted(faults):
            blocked.setdefault(records[index].key, index)
        fit = [i for i, one in enumerate(records) if i < blocked.get(one.key, len(records))]
        super().send([records[i] for i in fit], deadline_seconds=deadline_seconds)
        return Outcome([i in fit for i in range(len(records))], faults=faults)


def statuses(stream: UUID) -> list[int]:
    rows = OutboxEvent.objects.filter(stream=stream).order_by("id")
    return list(rows.values_list("status", flat=True))


def test_everything_that_waits_is_published_once_and_in_order(
    streams: Streams, log: LocalLogBroker, holder: str
) -> None:
    known = streams.new(40)
    for _ in range(5):
        streams.tell(*known)

    assert drain(log, holder) == relay.Drained(sent=200, left=False)

    assert told(log) == {stream: [1, 2, 3, 4, 5] for stream in known}
    assert drain(log, holder).sent == 0
    assert len(lines_of(log)) == 200


def test_a_line_carries_the_bytes_of_the_row(
    streams: Streams, log: LocalLogBroker, holder: str
) -> None:
    streams.tell(*streams.new(1))
    drain(log, holder)

    row = OutboxEvent.objects.get()
    (line,) = lines_of(log)
    assert line["data"] == json.loads(bytes(row.payload))
    assert line["id"] == str(row.event_id)
    assert line["source"] == f"/wallets/{row.stream}"
    assert line["subject"] == str(row.entry)


def test_positions_are_unique_rise_and_follow_each_streams_sequence(
    streams: Streams, log: LocalLogBroker, holder: str
) -> None:
    known = streams.new(30)
    for _ in range(20):
        streams.tell(*known)
    drain(log, holder)

    rows = list(OutboxEvent.objects.order_by("position"))
    assert [row.position for row in rows] == list(range(1, 601))
    for stream in known:
        assert [row.sequence for row in rows if row.stream == stream] == list(range(1, 21))
    assert all(row.published_at and row.published_at >= row.occurred_at for row in rows)
    assert EventCounter.objects.get().last_position == 600


def test_more_than_a_chunk_is_drained_chunk_by_chunk(
    streams: Streams, log: LocalLogBroker, holder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "CHUNK", 7)
    known = streams.new(3)
    for _ in range(10):
        streams.tell(*known)

    assert drain(log, holder) == relay.Drained(sent=30, left=False)
    assert told(log) == {stream: list(range(1, 11)) for stream in known}


def test_a_row_that_commits_late_with_a_smaller_id_is_not_lost(
    streams: Streams, log: LocalLogBroker, holder: str
) -> None:
    early, late = streams.new(2)
    streams.tell(early)
    OutboxEvent.objects.update(id=F("id") + 1_000)
    drain(log, holder)
    highest = OutboxEvent.objects.get().id
    streams.tell(late)
    OutboxEvent.objects.filter(stream=late).update(id=highest - 500)

    assert drain(log, holder).sent == 1
    assert set(told(log)) == {early, late}


def test_a_broker_that_fails_leaves_everything_waiting(
    streams: Streams, tmp_path: Path, holder: str
) -> None:
    (stream,) = streams.new(1)
    streams.tell(stream, stream)
    broken = LocalLogBroker(tmp_path)  # a folder, which cannot be written

    for _ in range(5):
        drained = drain(broken, holder)
        assert (drained.sent, drained.left) == (0, True)
        assert str(tmp_path) in drained.failure

    assert statuses(stream) == [PENDING, PENDING]
    assert set(OutboxEvent.objects.values_list("attempts", "position")) == {(0, None)}
    leases.give_back(holder)
    with pytest.raises(BrokerUnavailable):
        relay.drain_all(broken, threading.Event())


def test_a_shard_belongs_to_one_relay_until_the_lease_expires(
    streams: Streams, log: LocalLogBroker, holder: str
) -> None:
    streams.tell(*streams.new(20))
    assert leases.take("another") == list(range(16))

    assert drain(log, holder).sent == 0
    ShardLease.objects.update(expires_at=Now() + timedelta(seconds=1))
    assert drain(log, holder).sent == 0
    ShardLease.objects.update(expires_at=Now() - timedelta(milliseconds=2))
    assert drain(log, holder).sent == 20
    assert leases.take("another") == []


def test_a_lease_lasts_thirty_seconds_on_the_databases_clock(database: None) -> None:
    leases.take("one")

    assert not ShardLease.objects.filter(expires_at__lte=Now() + timedelta(seconds=29)).exists()
    assert not ShardLease.objects.filter(expires_at__gt=Now() + timedelta(seconds=30)).exists()
    leases.give_back("one")


def test_a_relay_that_leaves_gives_its_shards_back(database: None) -> None:
    leases.take("one")
    leases.give_back("one")

    assert len(leases.take("two")) == 16
    leases.give_back("two")


def test_shards_held_elsewhere_are_not_read(
    streams: Streams, log: LocalLogBroker, holder: str
) -> None:
    known = streams.new(64)
    streams.tell(*known)
    ShardLease.objects.filter(shard__lt=8).update(
        holder="another", expires_at=Now() + timedelta(seconds=20)
    )
    drain(log, holder)

    assert set(told(log)) == {stream for stream in known if outbox.shard_of(stream) >= 8}
    leases.give_back("another")
    drain(log, holder)
    assert set(told(log)) == set(known)


def test_missing_lease_rows_are_made_again(
    streams: Streams, log: LocalLogBroker, holder: str
) -> None:
    streams.tell(*streams.new(2))
    ShardLease.objects.all().delete()
    EventCounter.objects.all().delete()

    assert drain(log, holder).sent == 2
    assert EventCounter.objects.get().last_position == 2


def test_a_row_that_cannot_be_sent_stops_its_stream_and_no_other(
    streams: Streams, tmp_path: Path, holder: str
) -> None:
    log = LogWithALimit(tmp_path / "events.jsonl")
    alice, bob = streams.new(2)
    streams.tell(alice, bob)
    streams.tell(alice, padding=2_000)
    streams.tell(alice, bob, bob)

    drained = drain(log, holder)

    assert drained == relay.Drained(sent=4, left=False)
    assert told(log) == {alice: [1], bob: [1, 2, 3]}
    assert statuses(alice) == [PUBLISHED, QUARANTINED, HELD]
    assert OutboxEvent.objects.get(status=QUARANTINED).attempts == 3


def test_rows_recorded_behind_a_quarantined_one_wait_too(
    streams: Streams, tmp_path: Path, holder: str
) -> None:
    log = LogWithALimit(tmp_path / "events.jsonl")
    alice, bob = streams.new(2)
    streams.tell(alice, padding=2_000)
    drain(log, holder)
    streams.tell(alice, bob)

    # Before the drain has held them they are not even read.
    assert [one.record.key for one in relay.read_work(range(16), limit=10)] == [bob]
    drain(log, holder)

    assert statuses(alice) == [QUARANTINED, HELD]
    assert told(log) == {bob: [1]}
    assert not relay.has_work()


def test_a_released_stream_goes_on_in_order(
    streams: Streams, tmp_path: Path, holder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = LogWithALimit(tmp_path / "events.jsonl")
    (alice,) = streams.new(1)
    streams.tell(alice)
    streams.tell(alice, padding=2_000)
    streams.tell(alice)
    drain(log, holder)
    streams.tell(alice)
    monkeypatch.setattr(log, "LIMIT", 10_000)

    assert releasing.release(alice, by=CAROL, reason=MENDED) == 2
    assert drain(log, holder).sent == 3

    assert told(log) == {alice: [1, 2, 3, 4]}
    positions = OutboxEvent.objects.order_by("sequence").values_list("position", flat=True)
    assert list(positions) == [1, 2, 3, 4]


def test_a_released_row_that_still_cannot_be_sent_comes_back(
    streams: Streams, tmp_path: Path, holder: str
) -> None:
    log = LogWithALimit(tmp_path / "events.jsonl")
    (alice,) = streams.new(1)
    streams.tell(alice, padding=2_000)
    streams.tell(alice)
    drain(log, holder)
    releasing.release(alice, by=CAROL, reason=MENDED)

    assert drain(log, holder).sent == 0
    assert statuses(alice) == [QUARANTINED, HELD]


def test_a_stream_that_is_not_stuck_cannot_be_released(streams: Streams) -> None:
    (alice,) = streams.new(1)
    streams.tell(alice)

    with pytest.raises(NothingToRelease):
        releasing.release(alice, by=CAROL, reason=MENDED)
    assert statuses(alice) == [PENDING]


def test_a_row_marked_by_another_relay_keeps_its_position(streams: Streams) -> None:
    (alice,) = streams.new(1)
    streams.tell(alice, alice, alice)
    ids = list(OutboxEvent.objects.order_by("id").values_list("id", flat=True))

    assert marking.mark_published(ids[:2]) == 2
    assert marking.mark_published(ids) == 1

    positions = list(OutboxEvent.objects.order_by("id").values_list("position", flat=True))
    assert positions[:2] == [1, 2]
    assert (positions[2] or 0) > 2


def test_the_relay_loop_publishes_and_stops_when_told(
    streams: Streams, log: LocalLogBroker
) -> None:
    stop = threading.Event()
    streams.tell(*streams.new(5))
    timer = threading.Timer(1.0, stop.set)
    timer.start()

    relay.run_forever(log, stop)

    timer.join()
    assert len(lines_of(log)) == 5
    assert set(ShardLease.objects.values_list("holder", flat=True)) == {""}


def test_the_task_publishes_and_leaves_its_shards_to_others(
    streams: Streams, log: LocalLogBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "broker", lambda: log)
    streams.tell(*streams.new(3))

    tasks.drain_outbox()

    assert len(lines_of(log)) == 3
    assert set(ShardLease.objects.values_list("holder", flat=True)) == {""}


def test_metrics_tell_depth_age_and_quarantine(
    streams: Streams, tmp_path: Path, holder: str
) -> None:
    log = LogWithALimit(tmp_path / "events.jsonl")
    alice, bob = streams.new(2)
    streams.tell(alice, padding=2_000)
    streams.tell(alice)
    drain(log, holder)
    streams.tell(bob)
    metrics.refresh()

    assert metrics.PENDING._value.get() == 2
    assert 0 < metrics.OLDEST_SECONDS._value.get() < 60
    assert metrics.QUARANTINED._value.get() == 1


def test_queries_walk_the_movements_of_streams_in_order(streams: Streams) -> None:
    sender, receiver = sorted(streams.new(2))
    facts = [fact(receiver, 1), fact(sender, 1), fact(sender, 2)]
    record(facts)

    walked = list(queries.entry_sequences([sender, receiver]))

    assert walked == [
        (sender, 1, facts[1].entry, facts[1].occurred_at),
        (sender, 2, facts[2].entry, facts[2].occurred_at),
        (receiver, 1, facts[0].entry, facts[0].occurred_at),
    ]


def test_queries_count_the_facts_of_streams(streams: Streams) -> None:
    known = sorted(streams.new(7))
    streams.tell(*known, *known)
    OutboxEvent.objects.filter(stream=known[3], sequence=1).delete()
    record([fact(known[4], 4)])

    assert list(queries.stream_pages(page=3)) == [known[:3], known[3:6], known[6:]]
    facts = queries.stream_facts(known[2:5])
    assert facts == {
        known[2]: queries.StreamFacts(2, 1, 2),
        known[3]: queries.StreamFacts(1, 2, 2),
        known[4]: queries.StreamFacts(3, 1, 4),
    }


def test_without_kafka_the_broker_is_the_local_log(settings: Any) -> None:
    settings.KAFKA_BOOTSTRAP_SERVERS = []
    broker_module.broker.cache_clear()

    assert isinstance(broker_module.broker(), LocalLogBroker)
    broker_module.broker.cache_clear()
