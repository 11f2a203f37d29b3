"""Where events are replayed to: a topic of the new reader's own, by default no other.

Readers that we know have an inbox; a replay may reach them only while the inbox still knows each
event by its id.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings

from events import contracts, inbox_age, topics, wire
from events.broker import Broker, LocalLogBroker, Record, broker
from events.consumer import consumers
from events.errors import BrokerUnavailable, NoPlaceForReplay
from wallet_project.kit.clock import now

SEND_SECONDS: Final = 30.0
REBUILT: Final = ("ce_rebuilt", b"ledger")
"""A header that only rebuilt events have: an extension attribute of CloudEvents."""
_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Replayed:
    """An event that is told again."""

    id: UUID
    type: str
    client: int
    stream: UUID
    sequence: int
    entry: UUID | None
    occurred_at: datetime
    value: bytes
    is_rebuilt: bool = False
    """Made from the books, because its bytes have left the outbox."""


def check(topic: str, *, since: datetime | None, force_main: bool) -> None:
    """Refuse a topic that events from some moment on must not be replayed to.

    :raises NoPlaceForReplay: then.
    """
    if not _NAME.fullmatch(topic):
        raise NoPlaceForReplay(f"{topic!r} cannot be a topic's name.")
    if topic not in {one.name for one in topics.wanted()}:
        return
    if topic != settings.KAFKA_TOPIC_FACTS:
        raise NoPlaceForReplay(f"{topic} is no topic for facts about wallets.")
    if not force_main:
        raise NoPlaceForReplay(
            f"{topic} is the main topic: all its readers would get the events again."
        )
    oldest_known = now() - timedelta(days=settings.INBOX_KEPT_DAYS)
    forgetful = inbox_age.forgetful_consumers()
    readers = [name for name in forgetful if topic in consumers()[name].topics]
    if readers and (since is None or since < oldest_known):
        raise NoPlaceForReplay(
            f"{', '.join(readers)} read {topic} and remember {settings.INBOX_KEPT_DAYS} days; they "
            "would act twice on what is older."
        )


def open_(topic: str, *, wait_seconds: float) -> Broker:
    """Make the topic if it is missing, shaped as our own, and return the way to it.

    :raises BrokerUnavailable: if Kafka does not answer.
    :raises TopicMismatch: if the topic has another number of partitions.
    """
    if not settings.KAFKA_BOOTSTRAP_SERVERS:
        return LocalLogBroker(settings.WALLET_HOME / f"{topic}.jsonl")
    topics.ensure([topics.like_ours(topic, days=0)], wait_seconds=wait_seconds, say=lambda _: None)
    return broker()


def send(to: Broker, topic: str, events: Sequence[Replayed]) -> None:
    """Send a batch and wait until all of it is acknowledged.

    :raises NoPlaceForReplay: if rebuilt events would come to readers who know them by other ids.
    :raises BrokerUnavailable: if some were not acknowledged. A repeat may send the others twice.
    """
    rebuilt = next((event for event in events if event.is_rebuilt), None)
    if rebuilt is not None and topic == settings.KAFKA_TOPIC_FACTS:
        raise NoPlaceForReplay(
            f"Event {rebuilt.sequence} of {rebuilt.stream} is in the archive. Rebuilt it has "
            f"another id, and readers of {topic} would act on it twice."
        )
    outcome = wire.send(
        to, [_record(topic, event) for event in events], deadline_seconds=SEND_SECONDS
    )
    for place, reason in outcome.faults.items():
        raise BrokerUnavailable(f"Event {events[place].id} cannot be sent: {reason}")
    if not all(outcome.acknowledged):
        raise BrokerUnavailable(outcome.failure or "Not all events were acknowledged.")


def _record(topic: str, event: Replayed) -> Record:
    headers = contracts.headers(
        event_id=event.id,
        type_=event.type,
        client=event.client,
        stream=event.stream,
        entry=event.entry,
        occurred_at=event.occurred_at,
    )
    if event.is_rebuilt:
        headers.append(REBUILT)
    return Record(topic, event.stream, event.value, headers)
