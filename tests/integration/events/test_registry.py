"""With a schema registry facts travel as Avro; without an answer from it they wait."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import fastavro
import pytest

from events import avro, contracts, leases, outbox, registry, relay, wire
from events.broker import KafkaBroker, Outcome, Record
from events.consumer import Consumer, Origin, Received
from events.errors import RegistryUnavailable
from events.models import OutboxEvent, OutboxStatus
from events.sources import KafkaSource
from tests.integration.events.conftest import Streams, fact, record
from tests.integration.events.reading import read_topic
from tests.integration.events.test_kafka import MakeTopic, kafka, make_topic
from tests.registry import StubRegistry, stub_registry

__all__ = ["kafka", "make_topic"]


@pytest.fixture
def stub(settings: Any) -> Iterator[StubRegistry]:
    with stub_registry() as found:
        settings.SCHEMA_REGISTRY_URL = found.url
        settings.KAFKA_BOOTSTRAP_SERVERS = settings.KAFKA_BOOTSTRAP_SERVERS or ["nowhere:1"]
        registry.registry.cache_clear()
        yield found
    registry.registry.cache_clear()


@dataclass
class Memory:
    """A broker that acknowledges everything and remembers it."""

    sent: list[Record] = field(default_factory=list)

    def send(self, records: Any, *, deadline_seconds: float) -> Outcome:
        self.sent += records
        return Outcome([True] * len(records))

    def close(self) -> None:
        """Do nothing."""


def drain(broker: Any) -> relay.Drained:
    holder = leases.holder_name()
    try:
        return relay.drain_once(broker, holder=holder)
    finally:
        leases.give_back(holder)


def test_facts_are_framed_with_their_schemas_number(stub: StubRegistry, streams: Streams) -> None:
    (alice,) = streams.new(1)
    streams.tell(alice, alice)
    memory = Memory()
    assert drain(memory).sent == 2

    row = OutboxEvent.objects.order_by("id").first()
    assert row is not None
    sent = memory.sent[0]
    headers = dict(sent.headers)
    schema = stub.schemas[avro.number_of(sent.value) - 1]
    assert json.loads(schema) == avro.of_type(contracts.DEPOSITED)
    assert headers["content-type"] == b"application/avro"
    assert headers["ce_id"] == str(row.event_id).encode()
    assert wire.as_json(sent.value, sent.headers) == bytes(row.payload)
    assert list(stub.subjects) == [f"{row.topic}-wallet.deposited.v1"]
    assert len(stub.asked) == 1  # the number is remembered


def test_subjects_can_be_the_same_in_every_topic(
    stub: StubRegistry, streams: Streams, settings: Any
) -> None:
    settings.SCHEMA_REGISTRY_SUBJECTS = "record"
    streams.tell(*streams.new(1))
    drain(Memory())
    assert list(stub.subjects) == ["wallet.deposited.v1"]


def test_messages_that_are_no_facts_stay_json(stub: StubRegistry, streams: Streams) -> None:
    from django.db import transaction

    from wallet_project.kit.clock import now

    (alice,) = streams.new(1)
    with transaction.atomic():
        outbox.record_messages([outbox.NewMessage("t", alice, 1, "operation", b"{}", now())])
    memory = Memory()
    drain(memory)
    assert memory.sent[0].value == b"{}"
    assert stub.asked == []


@pytest.mark.parametrize("illness", ["500", "409", "garbage", "away", "mute"])
def test_a_registry_that_is_ill_keeps_facts_waiting_and_loses_none(
    stub: StubRegistry, streams: Streams, settings: Any, illness: str
) -> None:
    alice, bob = streams.new(2)
    streams.tell(alice, bob, alice)
    memory = Memory()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        if illness == "away":
            settings.SCHEMA_REGISTRY_URL = "http://127.0.0.1:1"
        elif illness == "mute":
            settings.SCHEMA_REGISTRY_SECONDS = 0.2
            settings.SCHEMA_REGISTRY_URL = f"http://127.0.0.1:{mute.getsockname()[1]}"
        elif illness == "garbage":
            stub.garbage = True
        else:
            stub.answers_with = int(illness)
        drained = drain(memory)

    assert drained.failure
    assert drained.sent == 0
    assert memory.sent == []
    rows = OutboxEvent.objects.order_by("id")
    assert {(row.status, row.attempts) for row in rows} == {(OutboxStatus.PENDING, 0)}

    settings.SCHEMA_REGISTRY_URL, stub.answers_with, stub.garbage = stub.url, 200, False
    registry.registry.cache_clear()
    assert drain(memory).sent == 3
    told = [json.loads(wire.as_json(one.value, one.headers)) for one in memory.sent]
    assert [one["sequence"] for one in told] == [1, 1, 2]


def test_a_fact_that_does_not_fit_its_schema_stops_its_wallet_only(
    stub: StubRegistry, streams: Streams, settings: Any
) -> None:
    settings.EVENT_ATTEMPTS_MAX = 1
    alice, bob = streams.new(2)
    streams.tell(alice, bob)
    record([fact(alice, 2)])
    OutboxEvent.objects.filter(stream=alice, sequence=1).update(payload=b"{}")
    memory = Memory()
    drain(memory)

    assert [one.key for one in memory.sent] == [bob]
    states = OutboxEvent.objects.order_by("id").values_list("status", flat=True)
    assert list(states) == [OutboxStatus.QUARANTINED, OutboxStatus.PUBLISHED, OutboxStatus.HELD]


def test_name_and_password_of_the_address_are_sent_as_such(stub: StubRegistry) -> None:
    url = stub.url.replace("http://", "http://alice:p%40ss@")
    number = registry.Registry(url, timeout_seconds=2).id_of("s", '"string"')
    assert registry.Registry(url, timeout_seconds=2).schema(number) == '"string"'
    assert stub.authorization == ["Basic YWxpY2U6cEBzcw=="] * 2


def test_a_schema_that_the_registry_does_not_take_is_told(stub: StubRegistry) -> None:
    stub.answers_with = 409
    with pytest.raises(RegistryUnavailable, match=r"says 409.*ill"):
        registry.registry().id_of("s", '"string"')


def test_the_services_own_consumers_read_json_again(stub: StubRegistry, streams: Streams) -> None:
    streams.tell(*streams.new(1))
    memory = Memory()
    drain(memory)
    (sent,) = memory.sent
    read = wire.received(Received(Origin("t", 0, 0), str(sent.key).encode(), *_parts(sent)))
    assert read.value == bytes(OutboxEvent.objects.get().payload)
    assert dict(read.headers)["content-type"] == b"application/json"

    torn = Received(Origin("t", 0, 0), b"", sent.value[:-9], sent.headers)
    assert wire.received(torn) == torn


def _parts(record: Record) -> tuple[bytes, list[tuple[str, bytes]]]:
    return record.value, record.headers


@pytest.mark.full_stack
def test_through_kafka(
    stub: StubRegistry, streams: Streams, kafka: KafkaBroker, make_topic: MakeTopic
) -> None:
    topic = make_topic()
    wallets = streams.new(5)
    for _ in range(4):
        streams.tell(*wallets)
    assert drain(kafka).sent == 20

    payloads = sorted(bytes(row.payload) for row in OutboxEvent.objects.all())
    seen: dict[bytes, list[int]] = {}
    for one in read_topic(topic):
        schema = fastavro.parse_schema(json.loads(stub.schemas[avro.number_of(one.value) - 1]))
        assert schema
        told = json.loads(wire.as_json(one.value, one.headers))
        seen.setdefault(one.key, []).append(told["sequence"])
    assert seen == {str(wallet).encode(): [1, 2, 3, 4] for wallet in wallets}

    # Our own consumers: another process, which has to ask for the schema.
    registry.registry.cache_clear()
    source = KafkaSource(Consumer(f"c-{uuid4().hex[:12]}", (topic,), lambda _: None))
    read: list[bytes] = []
    deadline = time.monotonic() + 60
    while len(read) < 20 and time.monotonic() < deadline:
        read += [one.value for one in source.poll()]
    source.close()
    assert sorted(read) == payloads
    assert stub.asked[-1] == "GET /schemas/ids/1"
