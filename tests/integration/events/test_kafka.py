"""The relay against real Kafka."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, connections
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from events import broker as broker_module
from events import leases, relay, topics
from events.broker import KafkaBroker
from events.models import OutboxEvent, OutboxStatus, ShardLease
from tests.http import Api
from tests.integration.events.conftest import Streams
from tests.integration.events.reading import at_first_sight, jumps, read_topic, told_by_topic
from tests.people import Company
from wallets import verification

pytestmark = pytest.mark.full_stack

PENDING, PUBLISHED, HELD, QUARANTINED = OutboxStatus
MakeTopic = Callable[..., str]


@pytest.fixture
def make_topic(settings: Any) -> MakeTopic:
    """Return a function that makes a topic for facts of this test alone."""

    def make(*, partitions: int = 12, max_bytes: int = 1_100_000) -> str:
        name = f"test-{uuid4()}"
        config = {"max.message.bytes": str(max_bytes)}
        topic = topics.Topic(name, partitions, replication=1, config=config)
        topics.ensure([topic], wait_seconds=30, say=lambda _: None)
        settings.KAFKA_TOPIC_FACTS = name
        return name

    return make


@pytest.fixture
def kafka(database: None) -> Iterator[KafkaBroker]:
    found = KafkaBroker(settings.KAFKA_BOOTSTRAP_SERVERS, record_bytes_max=1024 * 1024)
    yield found
    found.close()


def statuses(stream: UUID) -> list[int]:
    rows = OutboxEvent.objects.filter(stream=stream).order_by("id")
    return list(rows.values_list("status", flat=True))


def test_events_arrive_in_order_as_cloudevents(
    streams: Streams, kafka: KafkaBroker, holder: str, make_topic: MakeTopic
) -> None:
    topic = make_topic()
    known = streams.new(100)
    for _ in range(20):
        streams.tell(*known)

    assert relay.drain_once(kafka, holder=holder) == relay.Drained(sent=2_000, left=False)

    records = read_topic(topic)
    assert told_by_topic(topic) == {stream: list(range(1, 21)) for stream in known}
    assert len({(one.key, one.partition) for one in records}) == 100
    rows = {str(row.event_id): row for row in OutboxEvent.objects.all()}
    for one in records:
        headers = dict(one.headers)
        row = rows.pop(headers["ce_id"].decode())
        assert one.value == row.payload
        assert one.key.decode() == str(row.stream)
        assert headers["ce_specversion"] == b"1.0"
        assert headers["ce_type"].decode() == row.type
        assert headers["ce_source"].decode() == f"/wallets/{row.stream}"
        assert headers["ce_subject"].decode() == str(row.entry)
        assert headers["content-type"] == b"application/json"
    assert not rows
    positions = OutboxEvent.objects.order_by("position").values_list("position", "status")
    assert list(positions) == [(n, PUBLISHED) for n in range(1, 2_001)]


def test_real_acts_reach_kafka_byte_for_byte_and_none_is_lost(
    client_acme: Company, kafka: KafkaBroker, holder: str, make_topic: MakeTopic
) -> None:
    topic = make_topic()
    acme = Api(client_acme.key)
    for name in ("alice", "bob"):
        assert acme.post("/wallets", {"reference": name}).status == 201
        assert acme.deposit(name, "10.00", referenceId="Ä 💶").status == 201
    assert relay.drain_once(kafka, holder=holder).sent == 4
    assert acme.transfer("alice", "bob", "4.00").status == 201
    assert acme.withdraw("alice", "99.00").status == 422
    assert acme.post("/wallets/bob/freeze", {}).status == 200
    assert relay.drain_once(kafka, holder=holder).sent == 3

    records = read_topic(topic)
    told = {dict(one.headers)["ce_id"].decode(): one.value for one in records}
    kept = {str(row.event_id): bytes(row.payload) for row in OutboxEvent.objects.all()}
    assert told == kept
    assert len(records) == len(kept) == 7
    assert not jumps(told_by_topic(topic))
    for one in records:
        fact = json.loads(one.value)
        if "transactionId" in fact:
            entry = acme.get(f"/transactions/{fact['transactionId']}").json
            (line,) = (p for p in entry["postings"] if p.get("walletId") == fact["walletId"])
            assert (line["amount"], line["balance"]) == (fact["amount"], fact["balance"])
    assert verification.verify().findings == []


def test_events_wait_while_kafka_is_gone_and_arrive_when_it_is_back(
    streams: Streams,
    kafka: KafkaBroker,
    holder: str,
    make_topic: MakeTopic,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    topic = make_topic()
    monkeypatch.setattr(broker_module, "BOOTSTRAP_MS", 300)
    known = streams.new(10)
    streams.tell(*known, *known)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nowhere = KafkaBroker([f"127.0.0.1:{taken.getsockname()[1]}"], record_bytes_max=1024)
        for _ in range(4):
            assert relay.drain_once(nowhere, holder=holder).failure

    assert set(OutboxEvent.objects.values_list("status", "attempts")) == {(PENDING, 0)}
    assert relay.drain_once(kafka, holder=holder).sent == 20
    assert told_by_topic(topic) == {stream: [1, 2] for stream in known}


def test_a_missing_topic_is_kafkas_fault_not_the_rows(
    streams: Streams, kafka: KafkaBroker, holder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "KAFKA_TOPIC_FACTS", f"test-{uuid4()}")
    monkeypatch.setattr(broker_module, "MAX_BLOCK_MS", 500)
    (alice,) = streams.new(1)
    streams.tell(alice)

    for _ in range(4):
        assert relay.drain_once(kafka, holder=holder).failure
    assert statuses(alice) == [PENDING]


def test_a_record_too_large_for_the_relay_stops_its_stream_only(
    streams: Streams, holder: str, make_topic: MakeTopic
) -> None:
    topic = make_topic()
    kafka = KafkaBroker(settings.KAFKA_BOOTSTRAP_SERVERS, record_bytes_max=4_096)
    alice, bob = streams.new(2)
    streams.tell(alice, bob)
    streams.tell(alice, padding=5_000)
    streams.tell(alice, bob, alice)

    assert relay.drain_once(kafka, holder=holder) == relay.Drained(sent=3, left=False)

    kafka.close()
    assert statuses(alice) == [PUBLISHED, QUARANTINED, HELD, HELD]
    assert statuses(bob) == [PUBLISHED, PUBLISHED]
    assert told_by_topic(topic) == {alice: [1], bob: [1, 2]}


def test_a_record_kafka_refuses_is_overtaken_by_nothing_of_its_stream(
    streams: Streams, kafka: KafkaBroker, holder: str, make_topic: MakeTopic
) -> None:
    topic = make_topic(partitions=1, max_bytes=20_000)
    alice, bob = streams.new(2)
    for _ in range(20):
        streams.tell(alice, bob)
    streams.tell(alice, padding=150_000)  # more than a batch: the rest follows in other batches
    for _ in range(500):
        streams.tell(alice, bob)

    for _ in range(4):
        relay.drain_once(kafka, holder=holder)

    assert OutboxEvent.objects.get(status=QUARANTINED).sequence == 21
    assert statuses(alice) == [PUBLISHED] * 20 + [QUARANTINED] + [HELD] * 500
    told = told_by_topic(topic)
    assert at_first_sight(told[alice]) == list(range(1, 21))
    assert at_first_sight(told[bob]) == list(range(1, 521))


def test_two_relays_without_any_lease_keep_the_order_at_first_sight(
    streams: Streams, make_topic: MakeTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = make_topic()
    monkeypatch.setattr(leases, "take", lambda holder: list(range(16)))
    monkeypatch.setattr(relay, "CHUNK", 50)
    known = streams.new(20)
    for _ in range(50):
        streams.tell(*known)

    def work() -> None:
        kafka = KafkaBroker(settings.KAFKA_BOOTSTRAP_SERVERS, record_bytes_max=1024 * 1024)
        relay.drain_once(kafka, holder="any", budget_seconds=30)
        kafka.close()
        connections.close_all()

    relays = [threading.Thread(target=work) for _ in range(2)]
    for one in relays:
        one.start()
    for one in relays:
        one.join()

    told = told_by_topic(topic)
    assert not jumps(told)
    assert {stream: max(sequences) for stream, sequences in told.items()} == dict.fromkeys(
        known, 50
    )
    positions = list(OutboxEvent.objects.values_list("position", flat=True))
    assert None not in positions
    assert len(set(positions)) == 1_000
    for stream in known:
        rows = OutboxEvent.objects.filter(stream=stream).order_by("position")
        assert list(rows.values_list("sequence", flat=True)) == list(range(1, 51))


def test_a_process_that_forks_makes_a_producer_of_its_own(
    streams: Streams, kafka: KafkaBroker, holder: str, make_topic: MakeTopic
) -> None:
    make_topic()
    streams.tell(*streams.new(1))
    relay.drain_once(kafka, holder=holder)
    inherited = kafka._made
    assert inherited

    kafka._made = (os.getpid() + 1, inherited[1])  # as a child of a fork would find it
    streams.tell(*streams.new(1))

    assert relay.drain_once(kafka, holder=holder).sent == 1
    assert kafka._made is not None
    assert kafka._made[1] is not inherited[1]
    inherited[1]._sender.force_close()


def test_closing_ends_the_sender_thread_without_waiting(
    kafka: KafkaBroker, make_topic: MakeTopic, streams: Streams, holder: str
) -> None:
    make_topic()
    before = threading.active_count()
    streams.tell(*streams.new(1))
    relay.drain_once(kafka, holder=holder)
    assert threading.active_count() > before

    kafka.close()

    assert threading.active_count() == before


def test_create_topics_is_safe_to_repeat_and_says_what_it_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = [f"test-{uuid4()}" for _ in range(7)]
    known = (
        *("FACTS", "OPERATIONS", "DEAD_LETTERS", "SEALS"),
        *("FRAUD_ALERTS", "WEBHOOKS", "PAYOUTS"),
    )
    for setting, name in zip(known, names, strict=True):
        monkeypatch.setattr(settings, f"KAFKA_TOPIC_{setting}", name)

    for created in (True, False):
        out = StringIO()
        call_command("create_topics", "--json", stdout=out, stderr=StringIO())
        assert json.loads(out.getvalue()) == [
            {"name": name, "partitions": 12, "created": created} for name in names
        ]

    monkeypatch.setattr(settings, "KAFKA_PARTITIONS", 6)
    with pytest.raises(CommandError, match="has 12 partitions, KAFKA_PARTITIONS says 6"):
        call_command("create_topics", stdout=StringIO(), stderr=StringIO())


def test_facts_are_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "KAFKA_TOPIC_FACTS", f"test-{uuid4()}")
    topics.ensure(topics.wanted(), wait_seconds=30, say=lambda _: None)

    admin = KafkaAdminClient(bootstrap_servers=settings.KAFKA_BOOTSTRAP_SERVERS)
    topic = ConfigResource(ConfigResourceType.TOPIC, settings.KAFKA_TOPIC_FACTS)
    found = str(admin.describe_configs([topic]))
    admin.close()

    for setting in ("retention.ms", "retention.bytes"):
        assert f"'{setting}': {{'value': '-1'" in found, found


def test_a_lease_of_a_dead_relay_is_taken_over(
    streams: Streams, kafka: KafkaBroker, make_topic: MakeTopic
) -> None:
    topic = make_topic()
    streams.tell(*streams.new(3))
    leases.take("dead")

    assert relay.drain_once(kafka, holder="heir").sent == 0
    ShardLease.objects.update(expires_at=leases.LONG_AGO)
    assert relay.drain_once(kafka, holder="heir").sent == 3
    assert len(told_by_topic(topic)) == 3
    leases.give_back("heir")


def test_the_relay_goes_on_when_the_database_drops_its_connections(
    streams: Streams, kafka: KafkaBroker, make_topic: MakeTopic
) -> None:
    make_topic()
    stop = threading.Event()

    def run() -> None:
        relay.run_forever(kafka, stop)
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    known = streams.new(5)
    try:
        for _ in range(3):
            # It may be between two sessions: this waits for one to drop.
            until(lambda: kill_connections() > 0)
            streams.tell(*known)
            kill_connections()
            until(lambda: not OutboxEvent.objects.filter(status=PENDING).exists())
    finally:  # or it would hold the leases of the tests to come
        stop.set()
        thread.join(25)

    assert not thread.is_alive()
    assert set(ShardLease.objects.values_list("holder", flat=True)) == {""}


def until(look: Callable[[], bool], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def kill_connections() -> int:
    """End every session of the application on this database but the test's own."""
    connection.ensure_connection()
    own = connection.connection.thread_id()
    # As the application: a user sees and ends sessions of its own without any right.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM information_schema.processlist"
            " WHERE user = %s AND db = %s AND id <> %s",
            [connection.settings_dict["USER"], connection.settings_dict["NAME"], own],
        )
        ids = [id_ for (id_,) in cursor.fetchall()]
        for id_ in ids:
            with suppress(OperationalError):  # gone by itself
                cursor.execute("KILL %s", [id_])
    return len(ids)
