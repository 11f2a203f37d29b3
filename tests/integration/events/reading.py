"""Read back what was published, as a consumer would, and judge its order."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from kafka import KafkaConsumer, TopicPartition

Told = dict[UUID, list[int]]


def read_topic(topic: str) -> list[Any]:
    """Read a topic from its first record to its present end."""
    consumer = KafkaConsumer(
        bootstrap_servers=settings.KAFKA_BOOTSTRAP_SERVERS,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    try:
        parts = [TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        ends = consumer.end_offsets(parts)
        records: list[Any] = []
        deadline = time.monotonic() + 60
        while any(consumer.position(part) < ends[part] for part in parts):
            assert time.monotonic() < deadline, "the topic cannot be read"
            for batch in consumer.poll(timeout_ms=200, max_records=5_000).values():
                records += batch
        return records
    finally:
        consumer.close()


def told_by_topic(topic: str) -> Told:
    """Return every sequence of a topic, repeats included, by stream in the order of the topic."""
    found: Told = defaultdict(list)
    for one in read_topic(topic):
        found[UUID(one.key.decode())].append(json.loads(one.value)["sequence"])
    return dict(found)


def told_by_log(path: Path) -> Told:
    """Return every sequence of an event log, repeats included, by stream in the order of lines."""
    found: Told = defaultdict(list)
    if path.exists():
        for line in path.read_bytes().splitlines():
            event = json.loads(line)
            found[UUID(event["partitionkey"])].append(event["data"]["sequence"])
    return dict(found)


def jumps(told: Told) -> dict[UUID, list[int]]:
    """Find the streams whose sequences, each taken at first sight, are not 1, 2, 3 …"""
    return {
        stream: first
        for stream, sequences in told.items()
        if (first := at_first_sight(sequences)) != list(range(1, len(first) + 1))
    }


def at_first_sight(sequences: Iterable[int]) -> list[int]:
    """Drop the repeats."""
    return list(dict.fromkeys(sequences))
