"""The topics of Kafka, made before the first event so that no client ever makes one by accident."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from kafka import errors as kafka_errors

from events import kafka_clients
from events.errors import BrokerUnavailable, TopicMismatch
from events.inbox_age import kept_days

_UNKNOWN_TOPIC: Final = int(kafka_errors.UnknownTopicOrPartitionError.errno)
_DAY_MS: Final = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it must be."""

    name: str
    partitions: int
    replication: int
    config: dict[str, str]


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as it is after the call."""

    name: str
    partitions: int
    created: bool


def wanted() -> list[Topic]:
    """List the topics the service needs, by settings."""
    names = (
        settings.KAFKA_TOPIC_FACTS,
        settings.KAFKA_TOPIC_OPERATIONS,
        settings.KAFKA_TOPIC_DEAD_LETTERS,
        settings.KAFKA_TOPIC_SEALS,
        settings.KAFKA_TOPIC_FRAUD_ALERTS,
        settings.KAFKA_TOPIC_WEBHOOKS,
        settings.KAFKA_TOPIC_PAYOUTS,
    )
    return [like_ours(name, days=kept_days(name)) for name in names]


def like_ours(name: str, *, days: int) -> Topic:
    """Shape a topic as the service's own; with 0 days it keeps its records for ever."""
    replication: int = settings.KAFKA_REPLICATION
    config = {
        "cleanup.policy": "delete",
        # With three copies one may be missing; with fewer, all must have it or none is asked.
        "min.insync.replicas": str(2 if replication >= 3 else 1),
        "unclean.leader.election.enable": "false",
        # A batch is at least as long as its longest record.
        "max.message.bytes": str(settings.KAFKA_RECORD_BYTES_MAX + 64 * 1024),
    }
    retention = {"retention.ms": str(days * _DAY_MS or -1), "retention.bytes": "-1"}
    return Topic(name, settings.KAFKA_PARTITIONS, replication, config | retention)


def ensure(
    topics: list[Topic],
    *,
    wait_seconds: float,
    say: Callable[[str], None],
) -> list[TopicState]:
    """Make the missing topics and wait until each has leaders; existing ones stay as they are.

    :raises TopicMismatch: if a topic has another number of partitions. Nothing is made then.
    :raises BrokerUnavailable: if Kafka does not answer within `wait_seconds`.
    """
    deadline = time.monotonic() + wait_seconds
    admin = _connect(wait_seconds)
    try:
        existing = _partitions_of(admin, [topic.name for topic in topics])
        for topic in topics:
            _check(topic, existing)
        missing = [topic for topic in topics if topic.name not in existing]
        for topic in missing:
            say(f"making {topic.name} with {topic.partitions} partitions")
            _create(admin, topic)
        left_ms = max(deadline - time.monotonic(), 1.0) * 1000
        admin.wait_for_topics([topic.name for topic in topics], timeout_ms=left_ms)
        existing = _partitions_of(admin, [topic.name for topic in topics])
        for topic in topics:
            _check(topic, existing)
    except kafka_errors.KafkaError as error:
        raise BrokerUnavailable(f"Kafka did not make the topics: {error}") from error
    finally:
        admin.close()
    return [TopicState(t.name, existing[t.name], created=t in missing) for t in topics]


def _connect(wait_seconds: float) -> Any:
    servers: list[str] = settings.KAFKA_BOOTSTRAP_SERVERS
    try:
        return kafka_clients.admin(
            client_id="wallet-create-topics",
            bootstrap_timeout_ms=wait_seconds * 1000,
            reconnect_backoff_max_ms=1_000,
        )
    except (kafka_errors.KafkaError, OSError) as error:
        raise BrokerUnavailable(
            f"Kafka at {', '.join(servers)} did not answer within {wait_seconds:g} s: {error}"
        ) from error


def _partitions_of(admin: Any, names: list[str]) -> dict[str, int]:
    found = {}
    for topic in admin.describe_topics(names):
        if topic["error_code"] == _UNKNOWN_TOPIC:
            continue
        if topic["error_code"]:
            raise kafka_errors.for_code(topic["error_code"])(topic["name"])
        found[topic["name"]] = len(topic["partitions"])
    return found


def _check(topic: Topic, existing: dict[str, int]) -> None:
    partitions = existing.get(topic.name, topic.partitions)
    if partitions != topic.partitions:
        raise TopicMismatch(
            f"Topic {topic.name} has {partitions} partitions, KAFKA_PARTITIONS says"
            f" {topic.partitions}. Set it to {partitions}: other partitions for the same wallets"
            " would break the order of their events."
        )


def _create(admin: Any, topic: Topic) -> None:
    wish = {
        "num_partitions": topic.partitions,
        "replication_factor": topic.replication,
        "configs": topic.config,
    }
    # If somebody else makes it meanwhile: its shape is checked afterwards.
    with suppress(kafka_errors.TopicAlreadyExistsError):
        admin.create_topics({topic.name: wish})
