"""Facts in Avro say what they say in JSON, and their schemas change only as readers can bear."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path
from typing import Any

import fastavro
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from events import avro, contracts, schemas
from events.errors import Undecodable

TYPES = sorted(contracts.TYPES)


@pytest.mark.parametrize("type_", TYPES)
def test_a_fact_goes_to_avro_and_back_byte_for_byte(type_: str) -> None:
    value = contracts.encode(schemas.EXAMPLES[type_])
    framed = avro.frame(type_, value, 70_000)

    assert framed[:5] == b"\x00\x00\x01\x11\x70"
    assert avro.number_of(framed) == 70_000
    assert avro.unframe(framed, avro.text_of_type(type_)) == value
    assert len(framed) < len(value)


@pytest.mark.parametrize("type_", TYPES)
def test_another_reader_reads_it_with_the_published_schema(type_: str) -> None:
    published = Path(settings.BASE_DIR) / "docs" / "events" / f"{type_}.avsc"
    schema = fastavro.parse_schema(json.loads(published.read_bytes()))
    value = contracts.encode(schemas.EXAMPLES[type_])
    read: Any = fastavro.schemaless_reader(
        io.BytesIO(avro.frame(type_, value, 1)[5:]), schema, None
    )
    assert read == json.loads(value)
    assert all(isinstance(read[name], str) for name in ("balance", "held", "available"))


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        contracts.encode(schemas.EXAMPLES[contracts.FROZEN])[:-1] + b',"more":1}',
        contracts.encode(schemas.EXAMPLES[contracts.FROZEN]).replace(b'"0.00"', b"0.0"),
        contracts.encode(schemas.EXAMPLES[contracts.FROZEN]).replace(b":6,", b":9%d," % 10**19),
    ],
)
def test_what_does_not_fit_its_schema_is_not_written(value: bytes) -> None:
    with pytest.raises(Undecodable):
        avro.frame(contracts.FROZEN, value, 1)


@pytest.mark.parametrize("value", [b"", b"\x00\x00", b"{}{}{}", b"\x00\x00\x00\x00\x01\x08ab"])
def test_what_is_not_framed_is_not_read(value: bytes) -> None:
    with pytest.raises(Undecodable):
        avro.number_of(value)
        avro.unframe(value, avro.text_of_type(contracts.FROZEN))


BEFORE = avro.of_type(contracts.DEPOSITED)


@pytest.mark.parametrize(
    ("field", "change", "sentence"),
    [
        (0, None, "It removes `walletId`."),
        (1, {"type": "string"}, "It changes what `sequence` may hold."),
        (3, {"type": "double"}, "It changes what `balance` may hold."),
    ],
)
def test_a_change_that_readers_cannot_bear_is_told(
    field: int, change: dict[str, Any] | None, sentence: str
) -> None:
    after = copy.deepcopy(BEFORE)
    if change is None:
        del after["fields"][field]
    else:
        after["fields"][field] |= change
    assert avro.breaking_changes(BEFORE, after) == [sentence]


def test_a_field_is_added_with_a_default_or_not_at_all() -> None:
    after = copy.deepcopy(BEFORE)
    after["fields"].append({"name": "new", "type": "string"})
    assert len(avro.breaking_changes(BEFORE, after)) == 1
    after["fields"][-1] = {"name": "new", "type": ["null", "string"], "default": None}
    after["doc"] = "Better words."
    assert avro.breaking_changes(BEFORE, after) == []


@pytest.mark.parametrize("ending", [schemas.ENDING, avro.ENDING])
def test_the_command_refuses_a_lost_field_and_a_changed_type(tmp_path: Path, ending: str) -> None:
    call_command("export_event_schemas", folder=tmp_path)
    file = tmp_path / f"wallet.deposited.v1{ending}"
    published = json.loads(file.read_bytes())
    if ending == avro.ENDING:
        published["fields"].append({"name": "colour", "type": "string"})
        published["fields"][1]["type"] = "string"
    else:
        published["properties"] |= {"colour": {"type": "string"}, "sequence": {"type": "string"}}
    file.write_bytes(schemas.write(published))
    before = file.read_bytes()

    for check in (True, False):
        with pytest.raises(CommandError, match=r"removes `colour`.*what `sequence`") as refusal:
            call_command("export_event_schemas", folder=tmp_path, check=check)
        assert refusal.value.returncode == 2
        assert file.read_bytes() == before
