"""Read a topic from its first record to its present end, without being one of its consumers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from django.conf import settings
from kafka import TopicPartition
from kafka import errors as kafka_errors

from events import kafka_clients, wire
from events.consumer import Received, read_line
from events.errors import BrokerUnavailable
from events.sources import as_received

BOOTSTRAP_MS: Final = 5_000
RECORDS: Final = 500
POLL_MS: Final = 1_000
PATIENCE_POLLS: Final = 30
"""After so many polls without a record, half a minute, there is something wrong."""


class Reader(Protocol):
    """A topic that is read once."""

    is_whole: bool
    """Whether it still has its first records."""

    def batches(self) -> Iterator[list[Received]]:
        """Hand out its records, those of one key in their order."""


@contextmanager
def reader_of(topic: str) -> Iterator[Reader]:
    """Open a topic of Kafka, or the local event log where there is no Kafka.

    :raises BrokerUnavailable: if Kafka cannot be reached, or does not know the topic.
    """
    if not settings.KAFKA_BOOTSTRAP_SERVERS:
        yield _Log(settings.EVENT_LOG, topic)
        return
    try:
        consumer = kafka_clients.consumer(
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            bootstrap_timeout_ms=BOOTSTRAP_MS,
        )
    except (kafka_errors.KafkaError, OSError) as error:
        raise BrokerUnavailable(f"Kafka gives nothing to read: {error}") from error
    try:
        yield _Topic(consumer, topic)
    except (kafka_errors.KafkaError, OSError) as error:
        raise BrokerUnavailable(f"Kafka gives nothing to read: {error}") from error
    finally:
        consumer.close()


class _Topic:
    def __init__(self, consumer: Any, topic: str) -> None:
        self._consumer = consumer
        places = [TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic) or ()]
        if not places:
            raise BrokerUnavailable(f"Kafka does not know the topic {topic}.")
        consumer.assign(places)
        self._ends: dict[TopicPartition, int] = consumer.end_offsets(places)
        begins = consumer.beginning_offsets(places)
        self.is_whole = not any(begins.values())
        for place, offset in begins.items():
            consumer.seek(place, offset)

    def batches(self) -> Iterator[list[Received]]:
        idle = 0
        while any(self._consumer.position(place) < end for place, end in self._ends.items()):
            polled = self._consumer.poll(timeout_ms=POLL_MS, max_records=RECORDS)
            idle = 0 if polled else idle + 1
            if idle > PATIENCE_POLLS:
                raise BrokerUnavailable("Kafka has gone silent before the end of the topic.")
            records = [
                wire.received(as_received(record))
                for place, found in polled.items()
                for record in found
                if record.offset < self._ends[place]
            ]
            if records:
                yield records


class _Log:
    is_whole = True

    def __init__(self, path: Path, topic: str) -> None:
        self._path, self._topic = path, topic
        self._end = path.stat().st_size if path.exists() else 0

    def batches(self) -> Iterator[list[Received]]:
        if not self._end:
            return
        with self._path.open("rb") as log:
            batch: list[Received] = []
            while (offset := log.tell()) < self._end:
                record = read_line(log.readline().rstrip(b"\n"), offset)
                if record.origin.topic == self._topic:
                    batch.append(record)
                if len(batch) == RECORDS:
                    yield batch
                    batch = []
            if batch:
                yield batch
