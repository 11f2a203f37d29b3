"""Facts in Avro: schemas made from the same classes as the JSON Schemas, Confluent's framing.

A record's full name is the event's type: `v1` in the namespace `wallet.deposited`. Amounts stay
decimal strings, so a fact says the same in both forms and one can be turned into the other.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import fastavro
import msgspec

from events import contracts, schemas
from events.errors import Undecodable

ENDING: Final = ".avsc"
CONTENT_TYPE: Final = "application/avro"
_FRAME: Final = struct.Struct(">bI")
"""A zero, then the number of the schema."""
_TYPES: Final = {"string": "string", "integer": "long", "boolean": "boolean", "null": "null"}


def of_type(type_: str) -> schemas.Schema:
    """Make the schema of one type of event."""
    shape = schemas.of_type(type_)
    namespace, _, name = type_.rpartition(".")
    return {
        "type": "record",
        "namespace": namespace,
        "name": name,
        "doc": shape["description"],
        "fields": [
            _field(name, described, required=name in shape["required"])
            for name, described in shape["properties"].items()
        ],
    }


def every_schema() -> dict[str, schemas.Schema]:
    """Make all schemas, by the names of their files."""
    return {type_ + ENDING: of_type(type_) for type_ in sorted(contracts.TYPES)}


@cache
def text_of_type(type_: str) -> str:
    """Write the schema of a type as it is registered: the same text each time."""
    return json.dumps(of_type(type_), separators=(",", ":"), sort_keys=True)


def breaking_changes(before: schemas.Schema, after: schemas.Schema) -> list[str]:
    """Tell, a sentence each, what readers of the one schema could not bear in the other."""
    had = {field["name"]: field for field in before["fields"]}
    has = {field["name"]: field for field in after["fields"]}
    found = [f"It removes `{name}`." for name in had if name not in has]
    for name, field in has.items():
        if name not in had:
            if "default" not in field:
                found.append(f"It adds `{name}` without a default; events told before have none.")
        elif field["type"] != had[name]["type"]:
            found.append(f"It changes what `{name}` may hold.")
    return found


def refusals(published: Mapping[str, bytes], made: Mapping[str, schemas.Schema]) -> list[str]:
    """Tell which published schemas may not become what the classes now say."""
    changes = {
        name: breaking_changes(json.loads(content), made[name])
        for name, content in published.items()
        if name in made
    }
    return [f"{name}: {' '.join(found)}" for name, found in changes.items() if found]


def frame(type_: str, value: bytes, number: int) -> bytes:
    """Turn a fact's JSON into Avro, framed with its schema's number.

    :raises Undecodable: if the value is not what the type says.
    """
    packed = io.BytesIO()
    packed.write(_FRAME.pack(0, number))
    try:
        fact = msgspec.json.decode(value, type=dict[str, Any])
        # A field that the schema does not have must not get lost on the way.
        fastavro.schemaless_writer(
            packed, _parsed(text_of_type(type_)), fact, strict_allow_default=True
        )
    except (msgspec.DecodeError, ValueError, TypeError, OverflowError) as error:
        raise Undecodable(f"The value is no {type_}: {error}") from error
    return packed.getvalue()


def number_of(framed: bytes) -> int:
    """Read the number of the schema that a framed value was written with.

    :raises Undecodable: if it is not framed.
    """
    if len(framed) < _FRAME.size or framed[0] != 0:
        raise Undecodable("The value is not framed as Avro.")
    number: int = _FRAME.unpack_from(framed)[1]
    return number


def unframe(framed: bytes, schema: str) -> bytes:
    """Turn a framed value back into the JSON it was made from.

    :raises Undecodable: if it does not fit the schema that it was written with.
    """
    try:
        fact: Any = fastavro.schemaless_reader(
            io.BytesIO(framed[_FRAME.size :]), _parsed(schema), None
        )
    except (EOFError, ValueError, IndexError, TypeError) as error:
        raise Undecodable(f"The value does not fit its schema: {error}") from error
    return msgspec.json.encode(fact)


@cache
def _parsed(schema: str) -> Any:
    return fastavro.parse_schema(json.loads(schema))


def _field(name: str, described: Mapping[str, Any], *, required: bool) -> dict[str, Any]:
    kinds = [one["type"] for one in described["anyOf"]] if "anyOf" in described else None
    if kinds is None:
        kinds = [described["type"]]
    avro: list[str] = sorted((_TYPES[kind] for kind in kinds), key=lambda kind: kind != "null")
    field: dict[str, Any] = {"name": name, "doc": described["description"]}
    if not required:  # added later: readers of older events find null
        avro = ["null", *(kind for kind in avro if kind != "null")]
        return field | {"type": avro, "default": None}
    return field | {"type": avro[0] if len(avro) == 1 else avro}
