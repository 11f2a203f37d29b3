"""Where consumers read: a group of Kafka, or the local event log where there is no Kafka.

A source hands out records and keeps the place up to which they are settled. Records that were
handed out and not committed come again: after `rewind()`, after a crash, or to another process.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol

from django.conf import settings
from kafka import ConsumerRebalanceListener, OffsetAndMetadata, TopicPartition
from kafka import errors as kafka_errors
from kafka.coordinator.assignors.range import RangePartitionAssignor

from events import kafka_clients, wire
from events.consumer import Consumer, Origin, Received, read_line
from events.errors import BrokerUnavailable, InstanceTaken
from events.membership import Membership
from events.models import LogPlace
from wallet_project.kit.database import PRIMARY

logger = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.5
"""The longest wait for a record, and so for the end after SIGTERM."""
IDLE_SECONDS: Final = 0.1
RECORD_BYTES: Final = 512
"""What a record has at least: how many bytes Kafka collects before it answers early."""
BOOTSTRAP_MS: Final = 5_000
COMMIT_MS: Final = 5_000
METADATA_MS: Final = 30_000
MAX_POLL_MS: Final = 120_000
"""The longest time for one batch before Kafka gives its partitions to others."""


class Source(Protocol):
    """Records in the order of their keys, and a place among them that outlives the process."""

    def poll(self) -> list[Received]:
        """Return the next records, at most a batch, or none after a short wait."""

    def commit(self) -> None:
        """Note that all that `poll()` returned so far is settled."""

    def rewind(self) -> None:
        """Let the next `poll()` return the last one's records again."""

    def lag(self) -> dict[tuple[str, int], int]:
        """Tell, by topic and partition, how much is not settled."""

    def close(self) -> None:
        """Let go of the connection. The source can be used again after it."""


def source_of(consumer: Consumer) -> Source:
    """Choose by settings: Kafka where it is configured, else the local event log."""
    if settings.KAFKA_BOOTSTRAP_SERVERS:
        return KafkaSource(consumer)
    return LogSource(consumer, settings.EVENT_LOG)


class KafkaSource:
    """A member of the consumer's group.

    Between two polls nothing is in hand: what a poll returned is settled and committed before the
    next, and only within a poll can partitions come and go. So a rebalance finds nothing half
    done, and a process that was too slow can only repeat what the inbox knows.
    """

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._client: Any = None
        self._membership: Membership | None = None
        self._polled: dict[TopicPartition, tuple[int, int]] = {}
        """Where the last poll's records begin, and where the next one's will."""
        self._settled = _Settled()

    def poll(self) -> list[Received]:
        """Return the next records of the partitions that are this member's.

        :raises BrokerUnavailable: if Kafka, or the schema registry, cannot be reached.
        :raises InstanceTaken: if another process has this member's name.
        """
        try:
            if self._client is None:
                self._open()
            polled = self._client.poll(
                timeout_ms=POLL_SECONDS * 1000, max_records=self._consumer.batch
            )
        except kafka_errors.FencedInstanceIdError as error:
            raise InstanceTaken(f"Another process reads as {self._membership}.") from error
        except (kafka_errors.KafkaError, OSError) as error:
            raise BrokerUnavailable(f"Kafka gives nothing to read: {error}") from error
        self._polled = {
            place: (records[0].offset, records[-1].offset + 1) for place, records in polled.items()
        }
        return [
            wire.received(as_received(record)) for records in polled.values() for record in records
        ]

    def commit(self) -> None:
        """Tell Kafka how far this member has come; a failure is made up for by the next commit."""
        for place, (_, end) in self._polled.items():
            self._settled.offsets[place] = end
        offsets = {
            place: OffsetAndMetadata(offset, "", -1)
            for place, offset in self._settled.offsets.items()
        }
        try:
            self._client.commit(offsets, timeout_ms=COMMIT_MS)
        except kafka_errors.FencedInstanceIdError as error:
            raise InstanceTaken(f"Another process reads as {self._membership}.") from error
        except (kafka_errors.KafkaError, OSError) as error:
            # Some records may come again, here or to another member. The inbox knows them.
            logger.warning(
                "consumer.offsets_not_committed",
                extra={"consumer": self._consumer.name, "reason": str(error)},
            )
        else:
            self._settled.offsets.clear()

    def rewind(self) -> None:
        """Go back to where the last poll began, in the partitions that are still this member's."""
        if self._client is None:
            return
        for place, (begin, _) in self._polled.items():
            if place in self._client.assignment():
                self._client.seek(place, begin)

    def lag(self) -> dict[tuple[str, int], int]:
        """Tell how many records of this member's partitions are not settled."""
        if self._client is None:
            return {}
        found = {}
        for place in self._client.assignment():
            state = self._client._subscription.assignment[place]
            # Before the first answer neither is known, and asking would wait for the network.
            if state.highwater is not None and state.position is not None:
                behind = state.highwater - state.position.offset
                found[(place.topic, place.partition)] = max(behind, 0)
        return found

    def close(self) -> None:
        """Stop reading. The partitions stay this member's for a session's time, if it returns."""
        client, self._client = self._client, None
        if client is not None:
            _close(client)
        membership, self._membership = self._membership, None
        if membership is not None:
            membership.leave()

    def _open(self) -> None:
        group = f"{settings.KAFKA_TOPIC_PREFIX}wallet.{self._consumer.name}"
        if self._membership is None:
            self._membership = Membership(group)
        session_ms = settings.CONSUMER_SESSION_SECONDS * 1000
        client = kafka_clients.consumer(
            client_id=f"wallet-{self._consumer.name}-{os.getpid()}",
            group_id=group,
            group_instance_id=self._membership.name,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=min(session_ms // 3, 3_000),
            max_poll_interval_ms=MAX_POLL_MS,
            # Kafka itself collects a batch, so that nothing waits in this process meanwhile.
            fetch_min_bytes=max(self._consumer.batch * RECORD_BYTES, 1),
            fetch_max_wait_ms=max(int(self._consumer.collect_seconds * 1000), 1),
            max_partition_fetch_bytes=settings.KAFKA_RECORD_BYTES_MAX + 64 * 1024,
            bootstrap_timeout_ms=BOOTSTRAP_MS,
            reconnect_backoff_max_ms=2_000,
            metadata_max_age_ms=METADATA_MS,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
        client.subscribe(topics=self._consumer.topics, listener=self._settled)
        try:
            _learn_partitions(client, self._consumer.topics)
        except BrokerUnavailable:
            _close(client)
            raise
        self._client = client


class _Settled(ConsumerRebalanceListener):  # type: ignore[misc]
    """Offsets of settled records that Kafka has not taken yet.

    Those of a partition that goes to another member are forgotten: it may be further by the time
    they are sent.
    """

    def __init__(self) -> None:
        self.offsets: dict[TopicPartition, int] = {}

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        for place in revoked:
            self.offsets.pop(place, None)

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        pass


def _close(client: Any) -> None:
    # Whether Kafka hears of it or not: nothing is in hand, and a new client begins anew.
    with suppress(kafka_errors.KafkaError, OSError):
        client.close(autocommit=False, timeout_ms=COMMIT_MS)


def _learn_partitions(client: Any, topics: Collection[str]) -> None:
    """Wait until the client knows the partitions of its topics.

    A member that has to share them out and does not know them yet gives everybody nothing, and
    looks again only when its metadata are renewed.

    :raises BrokerUnavailable: if Kafka does not know a topic.
    """
    deadline = time.monotonic() + BOOTSTRAP_MS / 1000
    while missing := [one for one in topics if client._cluster.partitions_for_topic(one) is None]:
        if time.monotonic() > deadline:
            raise BrokerUnavailable(f"Kafka does not know the topic {missing[0]}.")
        client._cluster.request_update()
        time.sleep(IDLE_SECONDS)


def as_received(record: Any) -> Received:
    """Take a record of the Kafka client for what consumers are handed."""
    return Received(
        Origin(record.topic, record.partition, record.offset),
        record.key or b"",
        record.value or b"",
        [(name, value or b"") for name, value in record.headers],
    )


class LogSource:
    """The local event log from its first line on, the place kept in the database."""

    def __init__(self, consumer: Consumer, path: Path) -> None:
        self._consumer = consumer
        self._path = path
        self._begin: int | None = None
        """Where the last poll began; None before the first."""
        self._end = 0

    def poll(self) -> list[Received]:
        """Return the records of the next lines; a line without its end is not there yet."""
        if self._begin is None:
            places = LogPlace.objects.using(PRIMARY).filter(consumer=self._consumer.name)
            self._end = places.values_list("offset", flat=True).first() or 0
        self._begin = self._end
        lines = self._read()
        if not lines:
            time.sleep(IDLE_SECONDS)
        records = []
        for line in lines:
            record = read_line(line.rstrip(b"\n"), self._end)
            self._end += len(line)
            # One that cannot be read may be anybody's: each consumer keeps it.
            if record.origin.topic in self._consumer.topics or not record.headers:
                records.append(record)
        if lines and not records:
            self.commit()
        return records

    def commit(self) -> None:
        """Note in the database where the next line begins."""
        places = LogPlace.objects.using(PRIMARY)
        if not places.filter(consumer=self._consumer.name).update(offset=self._end):
            place = LogPlace(consumer=self._consumer.name, offset=self._end)
            places.bulk_create([place], ignore_conflicts=True)

    def rewind(self) -> None:
        """Go back to where the last poll began."""
        self._end = self._begin or 0

    def lag(self) -> dict[tuple[str, int], int]:
        """Tell how many bytes of the log are not settled."""
        size = self._path.stat().st_size if self._path.exists() else 0
        return {(self._path.name, 0): max(size - self._end, 0)}

    def close(self) -> None:
        """Read the place anew at the next poll."""
        self._begin = None

    def _read(self) -> list[bytes]:
        try:
            log = self._path.open("rb")
        except FileNotFoundError:
            return []
        with log:
            self._check_place(log)
            lines: list[bytes] = []
            while len(lines) < self._consumer.batch:
                line = log.readline()
                if not line.endswith(b"\n"):
                    break
                lines.append(line)
            return lines

    def _check_place(self, log: Any) -> None:
        """Go to the place; to the beginning, if it is not the beginning of a line any more."""
        log.seek(max(self._end - 1, 0))
        if self._end and log.read(1) != b"\n":
            logger.error(
                "consumer.log_was_replaced",
                extra={"consumer": self._consumer.name, "log": str(self._path)},
            )
            self._begin = self._end = 0
            log.seek(0)
