"""Published schemas are what the classes say, and change only as readers can bear."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from jsonschema import Draft202012Validator

from events import avro, contracts, schemas
from tests.architecture.source import python

PUBLISHED = Path(settings.BASE_DIR) / "docs" / "events"
MADE = schemas.every_schema() | avro.every_schema()
FILES = sorted(MADE)
NAMES = sorted(schemas.every_schema())

BEFORE: dict[str, Any] = {
    "title": "wallet.greeted.v1",
    "type": "object",
    "properties": {"name": {"type": "string"}, "times": {"type": "integer"}},
    "required": ["name"],
    "additionalProperties": True,
}


def test_the_published_files_are_what_the_classes_say() -> None:
    assert sorted(path.name for path in PUBLISHED.iterdir()) == FILES
    for name, schema in MADE.items():
        assert (PUBLISHED / name).read_bytes() == schemas.write(schema), "run `make schema`"


def test_every_type_named_in_the_code_has_a_schema() -> None:
    named = {
        name
        for source in python("events", "wallets", "ledger", "wallet_project")
        for name in re.findall(r'"((?:wallet|payout|ledger)\.[a-z_]+\.v\d+)"', source.text)
    }
    every = {*contracts.TYPES, *contracts.MESSAGES, *contracts.HEADS}
    assert named - {settings.KAFKA_TOPIC_FACTS.removeprefix(settings.KAFKA_TOPIC_PREFIX)} == every
    assert set(NAMES) == {f"{name}.schema.json" for name in (*every, "cloudevents-attributes")}


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_one_and_its_example_fits(name: str) -> None:
    schema = schemas.every_schema()[name]
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    (example,) = schema["examples"]

    validator.validate(example)
    validator.validate(example | {"addedLater": 1})
    assert all(field["description"] for field in schema["properties"].values())
    for field in schema["required"]:
        assert not validator.is_valid({k: v for k, v in example.items() if k != field}), field
    for field in schema["properties"]:
        assert not validator.is_valid(example | {field: {}}), field


@pytest.mark.parametrize("amount", ["-1.00", "0.00", "0", "1.", ".5", "1e3", "1,000.00", 1.5, ""])
def test_what_is_no_amount_does_not_fit(amount: Any) -> None:
    schema = schemas.of_type(contracts.DEPOSITED)
    example = schema["examples"][0] | {"amount": amount}
    assert not Draft202012Validator(schema).is_valid(example)


def test_each_type_stands_in_the_guide_with_its_example() -> None:
    page = (Path(settings.BASE_DIR) / "docs" / "events.md").read_text(encoding="utf-8")
    found = dict(re.findall(r"^### (wallet\S+)\n.*?```json\n(.*?)```", page, re.M | re.S))
    shown = {type_: json.loads(text) for type_, text in found.items()}
    assert shown == {t: schemas.of_type(t)["examples"][0] for t in contracts.TYPES}


def _without(name: str) -> Callable[[Any], None]:
    return lambda schema: schema["properties"].pop(name)


BREAKING: dict[str, Callable[[Any], Any]] = {
    "It removes `times`.": _without("times"),
    "It changes what `times` may hold.": lambda s: s["properties"].update(times={"type": "string"}),
    "It changes what `name` may hold.": lambda s: s["properties"]["name"].update(enum=["Alice"]),
    "It makes `times` required; events told before may have none.": lambda s: s["required"].append(
        "times"
    ),
    "It makes `name` optional; readers count on it.": lambda s: s["required"].remove("name"),
    "It adds `new` as required; events told before have none.": lambda s: (
        s["properties"].update(new={"type": "string"}),
        s["required"].append("new"),
    ),
    "It changes the rules for the value as a whole.": lambda s: s.update(
        additionalProperties=False
    ),
}


@pytest.mark.parametrize("sentence", BREAKING)
def test_a_change_that_readers_cannot_bear_is_told(sentence: str) -> None:
    after = copy.deepcopy(BEFORE)
    BREAKING[sentence](after)
    assert schemas.breaking_changes(BEFORE, after) == [sentence]


def test_an_optional_field_and_better_words_are_borne() -> None:
    after = copy.deepcopy(BEFORE)
    after["properties"]["new"] = {"type": "string"}
    after["properties"]["name"]["description"] = "Whom."
    after["description"] = "Somebody was greeted."
    after["examples"] = [{"name": "Alice"}]
    assert schemas.breaking_changes(BEFORE, after) == []


class TestCommand:
    def test_writes_once_and_finds_everything_up_to_date_then(self, tmp_path: Path) -> None:
        call_command("export_event_schemas", folder=tmp_path / "new")
        first = {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()}
        call_command("export_event_schemas", folder=tmp_path / "new")
        call_command("export_event_schemas", "--check", folder=tmp_path / "new")

        assert sorted(first) == FILES
        assert {p.name: p.read_bytes() for p in (tmp_path / "new").iterdir()} == first

    @pytest.mark.parametrize("check", [True, False])
    def test_refuses_what_needs_a_new_version(self, tmp_path: Path, check: bool) -> None:
        call_command("export_event_schemas", folder=tmp_path)
        deposited = tmp_path / "wallet.deposited.v1.schema.json"
        published = json.loads(deposited.read_bytes())
        published["properties"]["colour"] = {"type": "string"}
        deposited.write_bytes(schemas.write(published))
        before = deposited.read_bytes()

        with pytest.raises(CommandError) as refusal:
            call_command("export_event_schemas", folder=tmp_path, check=check)

        assert refusal.value.returncode == 2
        assert str(refusal.value) == (
            "wallet.deposited.v1.schema.json: It removes `colour`. Leave it as it is and make a "
            "type wallet.deposited.v2."
        )
        assert deposited.read_bytes() == before

    def test_refuses_to_forget_a_type(self, tmp_path: Path) -> None:
        call_command("export_event_schemas", folder=tmp_path)
        (tmp_path / "wallet.greeted.v1.schema.json").write_bytes(schemas.write(BEFORE))

        with pytest.raises(CommandError, match=r"wallet\.greeted\.v1\.schema\.json: no class"):
            call_command("export_event_schemas", "--check", folder=tmp_path)

    def test_says_what_is_not_up_to_date(self, tmp_path: Path) -> None:
        call_command("export_event_schemas", folder=tmp_path)
        (tmp_path / "wallet.frozen.v1.schema.json").unlink()

        with pytest.raises(CommandError, match=r"make schema.*: wallet\.frozen\.v1") as refusal:
            call_command("export_event_schemas", "--check", folder=tmp_path)

        assert refusal.value.returncode == 2
        assert len(list(tmp_path.iterdir())) == len(FILES) - 1
