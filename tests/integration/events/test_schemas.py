"""What is really recorded fits the published schemas, and the guide's consumer can live by it."""

from __future__ import annotations

import json
import re
import sqlite3
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from jsonschema import Draft202012Validator, FormatChecker

from events import contracts, relay
from events.models import OutboxEvent
from tests.http import Api
from tests.integration.approvals.desk import person
from tests.integration.approvals.test_corrections import adjustment
from tests.people import Company
from wallets.approvals.models import Status
from wallets.approvals.operations.approve import approve
from wallets.identity import identify
from wallets.models import Wallet, WalletStatus

DOCS = Path(settings.BASE_DIR) / "docs"


@pytest.fixture
def everything(client_acme: Company) -> list[OutboxEvent]:
    """Do everything that callers and staff can do to a wallet, in currencies of all kinds."""
    acme = Api(client_acme.key)
    maker, checker = person("carol", "maker"), person("dave", "checker")
    for currency, amount in (("USD", "100.00"), ("JPY", "100"), ("KWD", "100.000")):
        alice, bob = (
            acme.post("/wallets", {"currency": currency, "userId": "u"}).json["id"] for _ in "ab"
        )
        half = amount.replace("100", "50")
        assert acme.deposit(alice, amount, referenceId='Ä\u2028 "ref" 💶').status == 201
        first, second = (
            acme.post(f"/wallets/{alice}/holds", {"amount": half, "expiresIn": 60}).json["holdId"]
            for _ in "ab"
        )
        assert acme.post(f"/holds/{first}/capture").status == 201
        assert acme.post(f"/holds/{second}/void").status == 200
        mistaken = acme.deposit(alice, half).json["transactionId"]
        assert acme.post(f"/transactions/{mistaken}/reverse").status == 201
        assert acme.deposit(alice, half).status == 201
        assert acme.withdraw(alice, half).status == 201
        assert acme.transfer(alice, bob, half).status == 201
        assert acme.withdraw(alice, half).status == 422
        assert acme.patch(f"/wallets/{alice}", {"metadata": {"a": 1}}).status == 200
        for verb in ("freeze", "unfreeze", "close"):
            assert acme.post(f"/wallets/{alice}/{verb}", {}).status == 200
        items = [
            {"type": kind, "walletId": bob, "amount": half, "referenceId": f"bulk-{kind}"}
            for kind in ("deposit", "withdraw")
        ]
        for atomic in (False, True):
            for item in items:
                item["referenceId"] += str(atomic)
            sent = acme.post("/transactions/bulk", {"transactions": items, "atomic": atomic})
            assert {one["status"] for one in sent.json["results"]} == {201}, str(sent)
        for is_credit in (True, False):
            asked = adjustment(maker, identify(client_acme.id, bob), 1, credit=is_credit)
            assert approve(approval=asked.pk, by=checker).status == Status.CARRIED_OUT
    short = Api(client_acme.key, base="/v1/wallet")
    assert short.post("/carol/deposit", {"amount": 5}).status == 201
    assert short.post("/carol/transfer", {"amount": 2, "toWalletId": "dave"}).status == 201
    assert short.post("/dave/withdraw", {"amount": 1}).status == 201
    Wallet.objects.filter(pk=bob).update(posting_sequence=99)
    reason = ["--reason", "somebody has spoilt a row", "--no-input"]
    with pytest.raises(SystemExit, match="2"):
        call_command("rebuild_balances", *reason, stdout=StringIO(), stderr=StringIO())
    return list(OutboxEvent.objects.order_by("id"))


def _validator(name: str) -> Draft202012Validator:
    schema = json.loads((DOCS / "events" / f"{name}.schema.json").read_text(encoding="utf-8"))
    return Draft202012Validator(schema, format_checker=FormatChecker())


def test_everything_recorded_fits_its_published_schema(everything: list[OutboxEvent]) -> None:
    assert {event.type for event in everything} == set(contracts.TYPES)
    for event in everything:
        fact = json.loads(bytes(event.payload))
        _validator(event.type).validate(fact)
        assert (fact["walletId"], fact["sequence"]) == (str(event.stream), event.sequence)
        assert fact.get("transactionId") == (str(event.entry) if event.entry else None)
        decimals = {"USD": 2, "JPY": 0, "KWD": 3}[fact["currency"]]
        amounts = [
            fact[name] for name in ("balance", "held", "available", "amount") if name in fact
        ]
        assert [len(amount.partition(".")[2]) for amount in amounts] == [decimals] * len(amounts)


def test_headers_fit_theirs(everything: list[OutboxEvent]) -> None:
    validator = _validator("cloudevents-attributes")
    work = relay.read_work(range(16), limit=1_000)
    assert len(work) == len(everything)
    for one, event in zip(work, everything, strict=True):
        headers = {name: value.decode() for name, value in one.record.headers}
        validator.validate(headers)
        assert (headers["ce_type"], headers["ce_id"]) == (event.type, str(event.event_id))
        assert ("ce_subject" in headers) is (event.entry is not None)


def test_the_schemas_know_every_status() -> None:
    for type_ in contracts.TYPES:
        status = _validator(type_).schema["properties"]["status"]
        assert status["enum"] == [word.value for word in WalletStatus]


class TestTheGuidesConsumer:
    """The code in docs/events.md, on real records."""

    @pytest.fixture
    def guide(self) -> dict[str, Any]:
        (code,) = re.findall(
            r"```python\n(.*?)```", (DOCS / "events.md").read_text(encoding="utf-8"), re.S
        )
        names: dict[str, Any] = {}
        exec(code, names)
        return names

    @pytest.fixture
    def books(self, guide: dict[str, Any]) -> sqlite3.Connection:
        """A reader's own database, whose effect is a sum of amounts."""
        books = sqlite3.connect(":memory:")
        books.execute("CREATE TABLE seen (wallet TEXT PRIMARY KEY, sequence INTEGER)")
        books.execute("CREATE TABLE effects (wallet TEXT, balance TEXT)")

        def effect(database: sqlite3.Connection, type_: str, fact: dict[str, Any]) -> None:
            assert type_ in contracts.TYPES
            row = (fact["walletId"], fact["balance"])
            database.execute("INSERT INTO effects VALUES (?, ?)", row)

        guide["effect"] = effect
        return books

    def _records(self) -> list[Any]:
        work = relay.read_work(range(16), limit=1_000)
        return [SimpleNamespace(value=w.record.value, headers=w.record.headers) for w in work]

    def test_applies_each_event_once_however_often_it_comes(
        self, everything: list[OutboxEvent], guide: dict[str, Any], books: sqlite3.Connection
    ) -> None:
        records = self._records()
        for start in range(0, len(records), 3):
            # After a failure the last ones come again, then the rest.
            for record in records[max(start - 5, 0) : start + 3]:
                guide["apply_once"](books, record)

        effects = books.execute("SELECT wallet, balance FROM effects").fetchall()
        facts = [json.loads(bytes(event.payload)) for event in everything]
        assert sorted(effects) == sorted((fact["walletId"], fact["balance"]) for fact in facts)

    def test_stops_at_a_gap(
        self, everything: list[OutboxEvent], guide: dict[str, Any], books: sqlite3.Connection
    ) -> None:
        wallet = str(everything[0].stream)
        records = [r for r in self._records() if json.loads(r.value)["walletId"] == wallet]
        first, second, third = records[:3]
        guide["apply_once"](books, first)
        with pytest.raises(guide["Gap"]):
            guide["apply_once"](books, third)
        guide["apply_once"](books, second)
        guide["apply_once"](books, third)

        assert books.execute("SELECT COUNT(*) FROM effects").fetchone() == (3,)
