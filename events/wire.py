"""The form in which facts travel: as JSON, or framed as Avro where a schema registry is set.

Without its schema's number a fact cannot be sent. So a registry that is away, or does not take a
schema, is to the relay what a Kafka that is away is: it waits, and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from django.conf import settings

from events import avro, contracts, registry
from events.broker import Broker, Outcome, Record
from events.consumer import Received
from events.errors import RegistryUnavailable, Undecodable

_CONTENT_TYPE: Final = "content-type"
_TYPE: Final = "ce_type"


def send(broker: Broker, records: Sequence[Record], *, deadline_seconds: float) -> Outcome:
    """Send records as `Broker.send` does, in the form that the settings ask for."""
    if not (settings.SCHEMA_REGISTRY_URL and settings.KAFKA_BOOTSTRAP_SERVERS):
        return broker.send(records, deadline_seconds=deadline_seconds)
    outcome = Outcome([False] * len(records))
    try:
        ready = _framed(records, outcome)
    except RegistryUnavailable as error:
        outcome.failure = error.detail
        return outcome
    sent = broker.send([record for _, record in ready], deadline_seconds=deadline_seconds)
    outcome.failure = sent.failure
    for (place, _), is_acknowledged in zip(ready, sent.acknowledged, strict=True):
        outcome.acknowledged[place] = is_acknowledged
    outcome.faults |= {ready[index][0]: reason for index, reason in sent.faults.items()}
    return outcome


def as_json(value: bytes, headers: Sequence[tuple[str, bytes]]) -> bytes:
    """Return a record's value as JSON, whichever form it has travelled in.

    :raises Undecodable: if it is not what its headers say.
    :raises RegistryUnavailable: if its schema cannot be learnt now.
    """
    if dict(headers).get(_CONTENT_TYPE) != avro.CONTENT_TYPE.encode():
        return value
    schema = registry.registry().schema(avro.number_of(value))
    return avro.unframe(value, schema)


def received(record: Received) -> Received:
    """Return a record as the service's own consumers know it, in JSON.

    One that cannot be read stays as it is: whoever handles it will find that out.

    :raises RegistryUnavailable: if its schema cannot be learnt now.
    """
    try:
        value = as_json(record.value, record.headers)
    except Undecodable:
        return record
    if value is record.value:
        return record
    headers = [
        (name, contracts.CONTENT_TYPE.encode() if name == _CONTENT_TYPE else one)
        for name, one in record.headers
    ]
    return replace(record, value=value, headers=headers)


def subject_of(topic: str, type_: str) -> str:
    """Name the subject of a type's schema."""
    is_by_record = settings.SCHEMA_REGISTRY_SUBJECTS == registry.RECORD
    return type_ if is_by_record else f"{topic}-{type_}"


def _framed(records: Sequence[Record], outcome: Outcome) -> list[tuple[int, Record]]:
    """Frame the facts among records; what cannot be framed is a fault and stops its key."""
    ready: list[tuple[int, Record]] = []
    blocked: set[UUID] = set()
    for place, record in enumerate(records):
        if record.key in blocked:
            continue
        type_ = dict(record.headers).get(_TYPE, b"").decode()
        if type_ not in contracts.TYPES:  # a command, an alert: JSON between our own processes
            ready.append((place, record))
            continue
        number = registry.registry().id_of(
            subject_of(record.topic, type_), avro.text_of_type(type_)
        )
        try:
            value = avro.frame(type_, record.value, number)
        except Undecodable as error:
            outcome.faults[place] = error.detail
            blocked.add(record.key)
            continue
        ready.append((place, replace(record, value=value, headers=_as_avro(record.headers))))
    return ready


def _as_avro(headers: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    kept = [(name, value) for name, value in headers if name != _CONTENT_TYPE]
    return [(_CONTENT_TYPE, avro.CONTENT_TYPE.encode()), *kept]
