"""Hold the topic of facts against the outbox: nothing lost, forged, changed or out of order.

Every record is read once, outside of any group, up to where the topic ended at the beginning; so it
may run while events are told. Kept in memory is one number for each wallet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import msgspec
from django.conf import settings
from django.db.models import Max, Q

from events import queries
from events.consumer import Event, Received, decode
from events.errors import Undecodable
from events.models import EventCounter, OutboxEvent, OutboxStatus
from events.whole_topic import Reader, reader_of
from wallet_project.kit.database import PRIMARY

WALLETS_A_QUERY: Final = 100

Place = tuple[UUID, int]


@dataclass(frozen=True, slots=True)
class Untruth:
    """One place where topic and outbox tell different stories."""

    invariant: str
    """I7: what is told is what happened; I8: in its order, without a gap."""
    subject: str
    detail: str


@dataclass(slots=True)
class Reading:
    """How far the topic was read."""

    records: int = 0
    is_whole: bool = True
    """Whether the topic still has its first records."""


class _Numbered(msgspec.Struct, frozen=True):
    sequence: int


_numbered = msgspec.json.Decoder(_Numbered)


def check(reading: Reading, say: Callable[[str], None] = lambda _: None) -> Iterator[Untruth]:
    """Read the topic of facts and find what is not true of it; notes in `reading` how far.

    :raises BrokerUnavailable: if it cannot be read.
    """
    # Before the topic's end is looked up: whatever is marked by now has to be found below it.
    mark = EventCounter.objects.using(PRIMARY).values_list("last_position", flat=True).first() or 0
    seen: dict[UUID, int] = {}
    with reader_of(settings.KAFKA_TOPIC_FACTS) as reader:
        reading.is_whole = reader.is_whole
        yield from _check_records(reader, reading, seen, say)
    for streams in queries.stream_pages():
        yield from _check_told(streams, mark, seen, reading)


def _check_records(
    reader: Reader, reading: Reading, seen: dict[UUID, int], say: Callable[[str], None]
) -> Iterator[Untruth]:
    has_archive = queries.has_archive()
    for records in reader.batches():
        facts: list[tuple[Event, int]] = []
        for record in records:
            try:
                facts.append((decode(record), _numbered.decode(record.value).sequence))
            except (Undecodable, msgspec.MsgspecError) as error:
                yield Untruth("I7", _name(record), f"is no fact about a wallet: {error}")
        kept, lowest = _kept([(event.stream, number) for event, number in facts])
        for event, number in facts:
            row = kept.get((event.stream, number))
            is_archived = has_archive and number < lowest.get(event.stream, number + 1)
            if row is None and not is_archived:
                yield Untruth("I7", f"event {event.id}", "stands in the topic, not in the outbox")
            elif row is not None and not _says(event, row):
                yield Untruth("I7", f"event {event.id}", "says something else in the outbox")
            yield from _check_order(event, number, seen, is_whole=reading.is_whole)
        reading.records += len(records)
        say(f"{reading.records} records of the topic checked")


def _check_order(
    event: Event, number: int, seen: dict[UUID, int], *, is_whole: bool
) -> Iterator[Untruth]:
    before = seen.get(event.stream, 0 if is_whole else number - 1)
    if number > before + 1:
        told = f"is told after {before}" if before else "is the first one told"
        yield Untruth("I8", f"wallet {event.stream}", f"event {number} {told}")
    seen[event.stream] = max(before, number)


def _check_told(
    streams: Sequence[UUID], mark: int, seen: dict[UUID, int], reading: Reading
) -> Iterator[Untruth]:
    rows = OutboxEvent.objects.using(PRIMARY).filter(
        stream__in=streams, sequence__isnull=False, status=OutboxStatus.PUBLISHED
    )
    marked = rows.filter(position__lte=mark).values("stream").order_by("stream")
    for stream, number in marked.annotate(last=Max("sequence")).values_list("stream", "last"):
        is_forgotten = stream not in seen and not reading.is_whole
        if seen.get(stream, 0) < number and not is_forgotten:
            detail = f"event {number} is marked as published and does not stand in the topic"
            yield Untruth("I7", f"wallet {stream}", detail)


def _kept(
    places: Sequence[Place],
) -> tuple[dict[Place, tuple[UUID, bytes]], dict[UUID, int]]:
    """Read the outbox's rows of some events, and from which number on it has those wallets'."""
    spans: dict[UUID, tuple[int, int]] = {}
    for stream, number in places:
        low, high = spans.get(stream, (number, number))
        spans[stream] = min(low, number), max(high, number)
    found: dict[Place, tuple[UUID, bytes]] = {}
    streams = list(spans)
    for start in range(0, len(streams), WALLETS_A_QUERY):
        which = Q()
        for stream in streams[start : start + WALLETS_A_QUERY]:
            which |= Q(stream=stream, sequence__range=spans[stream])
        rows = OutboxEvent.objects.using(PRIMARY).filter(which)
        for row in rows:
            if row.sequence is not None:
                found[row.stream, row.sequence] = row.event_id, bytes(row.payload)
    facts = queries.stream_facts(streams)
    return found, {stream: facts[stream].lowest for stream in facts}


def _says(event: Event, row: tuple[UUID, bytes]) -> bool:
    id_, payload = row
    if event.id != id_ or event.value == payload:
        return event.id == id_
    # What has travelled as Avro comes back with the same members, not with the same bytes.
    is_avro = bool(settings.SCHEMA_REGISTRY_URL)
    return is_avro and msgspec.json.decode(event.value) == msgspec.json.decode(payload)


def _name(record: Received) -> str:
    origin = record.origin
    return f"record {origin.topic}/{origin.partition}/{origin.offset}"
