"""The way out: Kafka, or a local log file where there is no Kafka.

A broker takes a list of records, sends all of them at once and tells which are acknowledged. It
never decides what that means for a row: `relay.py` does.
"""

from __future__ import annotations

import base64
import fcntl
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec
from django.conf import settings
from kafka import errors as kafka_errors
from kafka.partitioner import Partitioner, murmur2

from events import kafka_clients
from wallet_project.kit import servers

BOOTSTRAP_MS: Final = 5_000
MAX_BLOCK_MS: Final = 5_000
REQUEST_MS: Final = 8_000
JOIN_SECONDS: Final = 9.0
"""The sender thread ends within one request's time, so this is enough to see it gone."""

_ABOUT_THE_RECORD: Final = (
    kafka_errors.MessageSizeTooLargeError,
    kafka_errors.RecordListTooLargeError,
    kafka_errors.InvalidRecordError,
)


@dataclass(frozen=True, slots=True)
class Record:
    """One event as the broker gets it."""

    topic: str
    key: UUID
    """Records of one key keep the order in which they are handed over."""
    value: bytes
    headers: list[tuple[str, bytes]]


@dataclass(slots=True)
class Outcome:
    """What became of a list of records, by their places in it."""

    acknowledged: list[bool]
    """An acknowledgement is a fact; its absence means unknown, not unsent."""
    faults: dict[int, str] = field(default_factory=dict)
    """Records that can never be sent as they are, and why."""
    failure: str = ""
    """Why the broker stopped before the end; empty if it did not."""


class Broker(Protocol):
    """A place that keeps records in the order of their keys."""

    def send(self, records: Sequence[Record], *, deadline_seconds: float) -> Outcome:
        """Send all records, pipelined, and wait for acknowledgements.

        At the first failure nothing later is sent on this connection any more. After a record
        with a fault no other record of its key is sent.
        """

    def close(self) -> None:
        """Let go of the connection at once, flushing nothing."""


@cache
def broker() -> Broker:
    """Choose by settings: Kafka where it is configured, else the local event log."""
    addresses: list[str] = settings.KAFKA_BOOTSTRAP_SERVERS
    if addresses:
        return KafkaBroker(addresses, record_bytes_max=settings.KAFKA_RECORD_BYTES_MAX)
    return LocalLogBroker(settings.EVENT_LOG)


class KafkaBroker:
    """Kafka through an idempotent producer that is made when first needed, once a process.

    A batch never expires (`delivery_timeout_ms`): an expired one would be overtaken by the next.
    Instead the whole producer is thrown away when the deadline passes or anything fails, so what
    was not sent stays unsent until the relay reads the rows again, in order.
    """

    def __init__(self, addresses: Sequence[str], *, record_bytes_max: int) -> None:
        self._servers = list(addresses)
        self._record_bytes_max = record_bytes_max
        self._made: tuple[int, Any] | None = None
        """Process id and producer: a producer does not survive a fork."""

    def send(self, records: Sequence[Record], *, deadline_seconds: float) -> Outcome:
        """Send all records, pipelined, and wait at most `deadline_seconds` in total.

        While Kafka is held to be away nothing is sent, but for one try a second.
        """
        if not servers.kafka.allows():
            return Outcome([False] * len(records), failure="Kafka could not be reached lately.")
        outcome = self._send(records, deadline_seconds)
        if outcome.failure:
            servers.kafka.failed()
        else:
            servers.kafka.succeeded()
        return outcome

    def _send(self, records: Sequence[Record], deadline_seconds: float) -> Outcome:
        deadline = time.monotonic() + deadline_seconds
        outcome = Outcome([False] * len(records))
        try:
            producer = self._producer()
        except (kafka_errors.KafkaError, OSError) as error:
            outcome.failure = f"Kafka cannot be reached: {error}"
            return outcome
        first_failure = _FirstFailure(producer._sender)
        futures = self._append(producer, records, deadline, outcome, first_failure)
        if not outcome.failure:
            _await_all(futures, deadline, outcome)
        cause = first_failure.error
        if outcome.failure:
            # Join the sender before looking: from here on no future changes any more.
            self.close()
        for index, future in futures:
            outcome.acknowledged[index] = future.succeeded()
        if isinstance(cause, _ABOUT_THE_RECORD):
            # Only the first to fail is to blame: the producer fails what is behind it alike.
            guilty = next(index for index, future in futures if future.exception is cause)
            outcome.faults[guilty] = str(cause)
            outcome.failure = ""
        elif cause is not None:
            outcome.failure = f"Kafka failed: {cause}"
        return outcome

    def _append(
        self,
        producer: Any,
        records: Sequence[Record],
        deadline: float,
        outcome: Outcome,
        first_failure: _FirstFailure,
    ) -> list[tuple[int, Any]]:
        futures: list[tuple[int, Any]] = []
        blocked: set[UUID] = set()
        for index, record in enumerate(records):
            if record.key in blocked:
                continue
            if first_failure.error is not None or time.monotonic() > deadline:
                outcome.failure = "Kafka did not take all records in time."
                break
            try:
                future = producer.send(
                    record.topic,
                    value=record.value,
                    key=str(record.key).encode(),
                    headers=record.headers,
                )
            except _ABOUT_THE_RECORD as error:
                outcome.faults[index] = str(error)
                blocked.add(record.key)
            except (kafka_errors.KafkaError, ValueError) as error:
                # ValueError: a topic with a wrong name. The settings are to blame, not the record.
                outcome.failure = f"Kafka does not take records for {record.topic}: {error}"
                break
            else:
                future.add_errback(first_failure)
                futures.append((index, future))
        return futures

    def _producer(self) -> Any:
        if self._made is not None and self._made[0] != os.getpid():
            _disown(self._made[1])
            self._made = None
        if self._made is None:
            producer = kafka_clients.producer(
                bootstrap_servers=self._servers,
                client_id=f"wallet-relay-{os.getpid()}",
                acks="all",
                enable_idempotence=True,
                retries=float("inf"),
                delivery_timeout_ms=2**31 - 1,
                request_timeout_ms=REQUEST_MS,
                partitioner=KeyPartitioner(),
                linger_ms=5,
                batch_size=131_072,
                max_block_ms=MAX_BLOCK_MS,
                bootstrap_timeout_ms=BOOTSTRAP_MS,
                max_request_size=self._record_bytes_max,
                reconnect_backoff_max_ms=2_000,
                allow_auto_create_topics=False,
                metrics_enabled=False,
            )
            self._made = (os.getpid(), producer)
        return self._made[1]

    def close(self) -> None:
        """Stop the sender thread without flushing, and wait until it is gone.

        `KafkaProducer.close(timeout=0)` flushes first and then raises instead of closing, so this
        does what it would have done: the sender's own force_close() aborts what is not sent.
        """
        made, self._made = self._made, None
        if made is None:
            return
        process, producer = made
        _disown(producer)
        if process == os.getpid():
            producer._sender.force_close()
            producer._sender.join(JOIN_SECONDS)


class KeyPartitioner(Partitioner):  # type: ignore[misc]
    """Chooses as every Kafka client does by default, but remembers the hashes of keys.

    The hash is written in Python, and streams come back: it was a quarter of the time of a send.
    """

    def partition(self, topic: str, key: Any, serialized_key: bytes, *rest: Any) -> int:
        """Return the partition of a key; `rest` ends with the cluster's metadata."""
        partitions = sorted(rest[-1].partitions_for_topic(topic))
        return int(partitions[_hash(serialized_key) % len(partitions)])


@lru_cache(maxsize=65_536)
def _hash(key: bytes) -> int:
    return int(murmur2(key)) & 0x7FFF_FFFF


class _FirstFailure:
    """Halts the sender thread, from within, at the first record that fails.

    Called by that thread before it may take the next batch of the same partition. Without it, a
    batch that fails for good would be overtaken by the one behind it.
    """

    def __init__(self, sender: Any) -> None:
        self._sender = sender
        self._lock = threading.Lock()
        self.error: Exception | None = None

    def __call__(self, error: Exception) -> None:
        with self._lock:
            if self.error is not None:
                return
            self.error = error
        self._sender.force_close()


def _await_all(futures: Sequence[tuple[int, Any]], deadline: float, outcome: Outcome) -> None:
    for _, future in futures:
        try:
            future.get(timeout=max(deadline - time.monotonic(), 0.0))
        except kafka_errors.KafkaError as error:
            outcome.failure = f"Kafka did not acknowledge all records in time: {error}"
            return


def _disown(producer: Any) -> None:
    """Keep the producer's own clean-up, at exit or when collected, from flushing."""
    producer._unregister_cleanup()
    producer._closed = True


class LocalLogBroker:
    """A file of JSON lines, each a CloudEvent in structured mode, for a service without Kafka.

    At least once: a line is acknowledged when it is on the disk. A line that a crash tore off is
    cut, or completed if only its end is missing, before the next one is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def send(self, records: Sequence[Record], *, deadline_seconds: float) -> Outcome:
        """Append all records and wait until the disk has them."""
        lines = b"".join(_cloud_event(record) + b"\n" for record in records)
        try:
            self._append(lines, time.monotonic() + deadline_seconds)
        except OSError as error:
            failure = f"The event log {self.path} cannot be written: {error}"
            return Outcome([False] * len(records), failure=failure)
        return Outcome([True] * len(records))

    def close(self) -> None:
        """Do nothing: the file is open only while it is written."""

    def _append(self, lines: bytes, deadline: float) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        log = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o640)
        try:
            _lock(log, deadline)
            end = _mend(log)
            try:
                _write_all(log, lines, end)
                os.fsync(log)
            except OSError:
                os.ftruncate(log, end)  # a full disk must not leave half a line to the readers
                raise
        finally:
            os.close(log)  # and with it the lock


def _cloud_event(record: Record) -> bytes:
    attributes = {
        name.removeprefix("ce_").replace("content-type", "datacontenttype"): value.decode()
        for name, value in record.headers
    }
    event: dict[str, Any] = attributes | {"topic": record.topic, "partitionkey": str(record.key)}
    try:
        msgspec.json.decode(record.value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        event["data_base64"] = base64.b64encode(record.value).decode()
    else:
        if b"\n" in record.value:
            event["data_base64"] = base64.b64encode(record.value).decode()
        else:
            event["data"] = msgspec.Raw(record.value)
    return msgspec.json.encode(event)


def _lock(log: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return


def _mend(log: int) -> int:
    """Repair a torn last line, the trace of a crash, and return where the next one begins."""
    size = os.fstat(log).st_size
    if size == 0 or os.pread(log, 1, size - 1) == b"\n":
        return size
    start = size
    tail = b""
    while start > 0 and b"\n" not in tail:
        step = min(65_536, start)
        start -= step
        tail = os.pread(log, step, start) + tail
    torn = tail[tail.rfind(b"\n") + 1 :]
    try:
        msgspec.json.decode(torn)
    except (msgspec.DecodeError, UnicodeDecodeError):
        end = size - len(torn)
        os.ftruncate(log, end)
        return end
    _write_all(log, b"\n", size)
    return size + 1


def _write_all(log: int, data: bytes, start: int) -> None:
    rest = memoryview(data)
    while rest:
        written = os.pwrite(log, rest, start)
        start += written
        rest = rest[written:]
