"""What consumers of events are made of: a record as it was read, the event it says, a handler.

A consumer reads its topics in the order of the records' keys. The frame hands its handler events in
a transaction that holds their inbox rows, so whatever the handler writes takes effect once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from django.conf import settings
from django.utils.module_loading import import_string

from events import contracts
from events.errors import Undecodable
from wallet_project.kit.clock import rfc3339

CLIENT_UNKNOWN: Final = 0
"""The client of events that were told before events named one."""
CLIENT_MAX: Final = 2**31 - 1
"""What the columns that hold a client's number take."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record was read."""

    topic: str
    partition: int
    offset: int
    """Counts a partition's records; in the local event log the byte at which the line begins."""


@dataclass(frozen=True, slots=True)
class Received:
    """A record as it was read, understood or not."""

    origin: Origin
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Event:
    """A record that was understood."""

    id: UUID
    """The same in every repeat: what the inbox goes by."""
    type: str
    """Such as `wallet.deposited.v1`; a handler passes over the types it does not know."""
    client: int
    stream: UUID
    """The record's key: the wallet. Events of one stream arrive in their order."""
    entry: UUID | None
    """The journal entry, where money moved."""
    time: datetime
    value: bytes
    """JSON, as it was sent; `contracts.decode()` reads a wallet's fact from it."""
    origin: Origin


@dataclass(frozen=True, slots=True)
class Consumer:
    """Somebody who wants to know, and what is to be done then."""

    name: str
    """Names the inbox rows and ends the Kafka group's id: never change it."""
    topics: tuple[str, ...]
    handle: Callable[[Sequence[Event]], None]
    """Called with events that the inbox has not seen, within the transaction that puts them there.

    Raises `Undecodable` for an event that no repeat will make better, anything else for what may
    go away. Does nothing that a rollback could not take back.
    """
    batch: int = 100
    """How many records are handled at a time, at most."""
    collect_seconds: float = 0.1
    """How long to wait for a batch to fill up."""
    transactional: bool = True
    """Off: the handler gets every event, repeats too, and keeps its own transactions and inbox."""


def decode(record: Received) -> Event:
    """Read the event that a record says; its value is left to the handler.

    :raises Undecodable: if key or headers are not those of an event.
    """
    told = dict(record.headers)
    try:
        subject = told.get("ce_subject")
        return Event(
            id=UUID(told["ce_id"].decode()),
            type=told["ce_type"].decode(),
            client=_client(told.get("ce_clientid", b"%d" % CLIENT_UNKNOWN)),
            stream=UUID(record.key.decode()),
            entry=None if subject is None else UUID(subject.decode()),
            time=_moment(told["ce_time"].decode()),
            value=record.value,
            origin=record.origin,
        )
    except KeyError as error:
        raise Undecodable(f"The record has no header {error.args[0]}.") from error
    except (ValueError, OverflowError) as error:
        raise Undecodable(f"The record's key or headers are no event's: {error}") from error


def read_line(line: bytes, offset: int) -> Received:
    """Read one line of the local event log as the record that Kafka would have had.

    A line that is no CloudEvent becomes a record without key and headers, which no event is.
    """
    try:
        told: dict[str, msgspec.Raw] = _raw_line.decode(line)
        texts = {
            name: msgspec.json.decode(raw, type=str)
            for name, raw in told.items()
            if name not in ("data", "data_base64")
        }
        value = bytes(told["data"]) if "data" in told else _base64.decode(told["data_base64"])
        topic, key = texts.pop("topic"), texts.pop("partitionkey")
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError):
        return Received(Origin("", 0, offset), b"", line, [])
    headers = [(_HEADERS.get(name, f"ce_{name}"), text.encode()) for name, text in texts.items()]
    return Received(Origin(topic, 0, offset), key.encode(), value, headers)


def record_of(event: Event) -> Received:
    """Make the record that says this event, as the relay would send it."""
    headers = contracts.headers(
        event_id=event.id,
        type_=event.type,
        client=event.client,
        stream=event.stream,
        entry=event.entry,
        occurred_at=event.time,
    )
    return Received(event.origin, str(event.stream).encode(), event.value, headers)


def summary(event: Event) -> dict[str, Any]:
    """Name an event for a log line."""
    return {
        "event": str(event.id),
        "type": event.type,
        "wallet": str(event.stream),
        "topic": event.origin.topic,
        "partition": event.origin.partition,
        "offset": event.origin.offset,
        "time": rfc3339(event.time),
    }


def _client(text: bytes) -> int:
    client = int(text)
    if not 0 <= client <= CLIENT_MAX:
        raise ValueError(f"there is no client {client}")
    return client


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return found.astimezone(UTC)


_HEADERS: Final = {"datacontenttype": "content-type"}
_raw_line = msgspec.json.Decoder(dict[str, msgspec.Raw])
_base64 = msgspec.json.Decoder(bytes)


def consumers() -> Mapping[str, Consumer]:
    """List the service's own consumers by name, as the settings say."""
    found: Mapping[str, Consumer] = import_string(settings.EVENT_CONSUMERS)
    return found
