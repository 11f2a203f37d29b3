"""Kafka by SASL_SSL: topics, relay, consumers, health; and who is turned away, with a sentence."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from kafka.errors import KafkaError

from events import broker, sources, topics, whole_topic
from events.broker import KafkaBroker, Record
from events.consumer import Consumer, Event
from events.errors import BrokerUnavailable
from events.sources import KafkaSource
from events.whole_topic import reader_of
from tests.integration.tls.authority import Authority
from tests.integration.tls.conftest import Settings
from tests.integration.tls.servers import KAFKA_PASSWORD, KAFKA_USER
from wallet_project import health

pytestmark = pytest.mark.full_stack


@pytest.fixture
def words(kafka_address: str, authority: Authority) -> dict[str, object]:
    """The variables of a service that may use the broker."""
    return {
        "KAFKA_BOOTSTRAP_SERVERS": kafka_address,
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_TLS_CA": authority.certificate,
        "KAFKA_SASL_USER": KAFKA_USER,
        "KAFKA_SASL_PASSWORD": KAFKA_PASSWORD,
    }


@pytest.fixture
def use(settings_of: Settings, request: pytest.FixtureRequest, words: dict[str, object]) -> Any:
    """Set Kafka up as these variables say, on top of those that are right."""

    changed = request.getfixturevalue("settings")

    def apply(**others: object) -> None:
        found = settings_of(**words | others)
        for name in ("KAFKA_BOOTSTRAP_SERVERS", "KAFKA_CONNECTION"):
            setattr(changed, name, found[name])

    return apply


def make_topic() -> str:
    name = f"tls-{uuid4()}"
    topics.ensure(
        [topics.Topic(name, 2, replication=1, config={})], wait_seconds=20, say=lambda _: None
    )
    return name


def send(topic: str, key: UUID) -> str:
    kafka = KafkaBroker(settings.KAFKA_BOOTSTRAP_SERVERS, record_bytes_max=1024 * 1024)
    try:
        outcome = kafka.send([Record(topic, key, b"{}", [])], deadline_seconds=8)
    finally:
        kafka.close()
    assert outcome.acknowledged == [not outcome.failure]
    return outcome.failure


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"])
def test_every_client_of_ours_is_let_in(use: Any, mechanism: str) -> None:
    use(KAFKA_SASL_MECHANISM=mechanism)
    health.ask_kafka()
    topic, key = make_topic(), uuid4()

    assert send(topic, key) == ""

    with reader_of(topic) as reader:
        told = [one for batch in reader.batches() for one in batch]
    assert len(told) == 1
    source = KafkaSource(_consumer(topic))
    try:
        found = next(filter(None, (source.poll() for _ in range(20))))
        source.commit()
    finally:
        source.close()
    assert len(found) == 1


def _consumer(topic: str) -> Consumer:
    def handle(events: list[Event]) -> None:
        raise AssertionError("nobody hands over")

    return Consumer(name=f"tls-{topic}", topics=(topic,), handle=handle)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change", [{"KAFKA_SASL_PASSWORD": "wrong"}, {"KAFKA_SASL_USER": "charlie"}]
)
def test_who_has_the_wrong_password_is_turned_away(use: Any, change: dict[str, str]) -> None:
    use(**change)
    sentence = refused()
    assert "invalid credentials" in sentence or "do KAFKA_SECURITY_PROTOCOL" in sentence


def test_a_broker_of_another_ca_is_not_spoken_to(
    use: Any, stranger: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    for patient in (broker, sources, whole_topic):
        monkeypatch.setattr(patient, "BOOTSTRAP_MS", 1_000)
    use()
    topic = make_topic()
    for mode in ("verify", "verify-ca"):
        use(KAFKA_TLS_CA=stranger.certificate, KAFKA_TLS=mode)
        assert "CERTIFICATE_VERIFY_FAILED" in refused()
    assert "CERTIFICATE_VERIFY_FAILED" in send(topic, uuid4())
    with pytest.raises(BrokerUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        topics.ensure([topics.Topic(topic, 2, 1, {})], wait_seconds=1, say=lambda _: None)
    with pytest.raises(BrokerUnavailable, match="CERTIFICATE_VERIFY_FAILED"), reader_of(topic):
        raise AssertionError("nothing can be read")
    source = KafkaSource(_consumer(topic))
    with pytest.raises(BrokerUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        source.poll()
    source.close()

    use()

    with reader_of(topic) as reader:
        assert [one for batch in reader.batches() for one in batch] == []


def test_whoever_only_encrypts_asks_no_broker_who_it_is(use: Any, stranger: Authority) -> None:
    use(KAFKA_TLS_CA=stranger.certificate, KAFKA_TLS="encrypt")
    health.ask_kafka()


def test_without_tls_nobody_answers(use: Any) -> None:
    nothing = {"KAFKA_TLS_CA": "", "KAFKA_SASL_USER": "", "KAFKA_SASL_PASSWORD": ""}
    use(KAFKA_SECURITY_PROTOCOL="PLAINTEXT", **nothing)
    assert "do KAFKA_SECURITY_PROTOCOL" in refused()


def refused() -> str:
    with pytest.raises(KafkaError) as error:
        health.ask_kafka()
    return str(error.value)
