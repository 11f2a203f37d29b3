"""Statements and exports as their callers see them."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import time_machine
from django.test import override_settings

from ledger.models import Posting
from tests.contract.assertions import TIME, UUID, is_problem, nothing_happens
from tests.http import Api, Reply
from tests.statements import READERS, from_json
from wallet_project.kit.clock import now, rfc3339
from wallet_project.kit.models import AuditRecord
from wallets.api.exports.shapes import StatementShown
from wallets.exports import purging, worker
from wallets.exports.models import ExportJob, IssuedStatement
from wallets.identity import WalletIdentity


@pytest.fixture(autouse=True)
def history(acme: Api, alice: WalletIdentity, bob: WalletIdentity) -> None:
    acme.deposit("alice", "100.00")
    acme.withdraw("alice", "30.50")
    acme.transfer("alice", "bob", "20.00")
    acme.deposit("alice", "0.01")


def statement(api: Api, wallet: str = "alice", **query: Any) -> Reply:
    return api.get(f"/wallets/{wallet}/statement", query=query)


def export(api: Api, **more: Any) -> Reply:
    headers = more.pop("headers", None)
    body = {"type": "statement", "walletId": "alice", "format": "csv"} | more
    return api.post("/exports", body, headers=headers)


def finished(api: Api, made: Reply) -> Any:
    worker.run(enough=lambda: False)
    return api.get(made.headers["location"], from_root=True).json


def at(wallet: WalletIdentity, sequence: int) -> str:
    return rfc3339(Posting.objects.get(account_id=wallet.id, sequence=sequence).posted_at)


def test_a_statement_opens_lists_and_closes(acme: Api, alice: WalletIdentity) -> None:
    answer = statement(acme)
    said = answer.json
    assert answer.status == 200
    assert UUID.fullmatch(said["statementId"])
    assert TIME.fullmatch(said["issuedAt"])
    lines = said.pop("lines")
    assert [(one["type"], one["amount"], one["direction"], one["balance"]) for one in lines] == [
        ("DEPOSIT", "100.00", "CREDIT", "100.00"),
        ("WITHDRAWAL", "30.50", "DEBIT", "69.50"),
        ("TRANSFER_OUT", "20.00", "DEBIT", "49.50"),
        ("DEPOSIT", "0.01", "CREDIT", "49.51"),
    ]
    assert said == {
        "format": "wallet-statement/1",
        "statementId": answer.headers["x-statement-id"],
        "walletId": str(alice.id),
        "currency": "USD",
        "from": None,
        "to": None,
        "issuedAt": said["issuedAt"],
        "firstSequence": 1,
        "lastSequence": 4,
        "openingBalance": "0.00",
        "closingBalance": "49.51",
        "lineCount": 4,
        "totalCredits": "100.01",
        "totalDebits": "50.50",
        "sha256": answer.headers["x-statement-sha256"],
    }
    # The documented shape is what is sent, no field more and none less.
    shown = msgspec.json.decode(answer.body, type=StatementShown)
    assert msgspec.to_builtins(shown) == answer.json


def test_from_is_in_it_and_to_is_not(acme: Api, alice: WalletIdentity) -> None:
    said = statement(acme, **{"from": at(alice, 2), "to": at(alice, 4)}).json
    assert [one["postingSequence"] for one in said["lines"]] == [2, 3]
    assert (said["openingBalance"], said["closingBalance"]) == ("100.00", "49.50")
    empty = statement(acme, to=at(alice, 1)).json
    assert (empty["lines"], empty["firstSequence"], empty["lastSequence"]) == ([], 1, 0)
    assert (empty["openingBalance"], empty["closingBalance"]) == ("0.00", "0.00")


@pytest.mark.parametrize("name", READERS)
def test_every_format_tells_the_same(acme: Api, name: str) -> None:
    told = from_json(statement(acme).body)
    answer = statement(acme, format=name)
    assert answer.status == 200
    assert READERS[name](answer.body) == told
    assert answer.headers["x-statement-sha256"] == told.sha256


@pytest.mark.parametrize(
    ("accept", "begins"),
    [
        ("text/csv", b"record,"),
        ("application/pdf", b"%PDF"),
        ("application/json;q=0.1, application/xml", b"<?xml"),
        ("image/png", b"{"),
        ("text/csv;q=nonsense", b"{"),
    ],
)
def test_accept_chooses_where_the_query_does_not(acme: Api, accept: str, begins: bytes) -> None:
    answer = acme.get("/wallets/alice/statement", headers={"Accept": accept})
    assert answer.body.startswith(begins)
    forced = acme.get(
        "/wallets/alice/statement", query={"format": "json"}, headers={"Accept": accept}
    )
    assert forced.body.startswith(b"{")


def test_the_same_statement_is_issued_once(acme: Api) -> None:
    first, again = statement(acme), statement(acme)
    assert first.body == again.body
    assert IssuedStatement.objects.count() == 1
    acme.deposit("alice", "1.00")
    later = statement(acme).json
    assert later["statementId"] != first.json["statementId"]
    checked = acme.get(f"/statements/{first.json['statementId']}").json
    assert (checked["verified"], checked["differences"], checked["lineCount"]) == (True, [], 4)
    assert checked["sha256"] == first.json["sha256"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"format": "doc"}, "format"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-02-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}, "to"),
        ({"since": "2026-02-01T00:00:00Z"}, "since"),
    ],
)
def test_what_cannot_be_understood_is_told(acme: Api, query: dict[str, str], field: str) -> None:
    with nothing_happens():
        answer = statement(acme, **query)
    assert answer.status == 400
    assert [one["field"] for one in answer.json["errors"]] == [field]
    assert not IssuedStatement.objects.exists()


def test_anothers_statement_does_not_exist(acme: Api, globex: Api, alice: WalletIdentity) -> None:
    number = statement(acme).json["statementId"]
    assert statement(globex, str(alice.id)).status == 404
    assert globex.get(f"/statements/{number}").status == 404
    assert export(globex, walletId=str(alice.id)).status == 404


@override_settings(STATEMENT_LINES_MAX=3)
def test_a_long_statement_becomes_an_export_and_stays_that_one(acme: Api) -> None:
    first, again = statement(acme, format="csv"), statement(acme, format="csv")
    assert (first.status, again.status) == (202, 202)
    assert first.json["exportId"] == again.json["exportId"]
    assert first.headers["location"] == f"/api/v1/exports/{first.json['exportId']}"
    done = finished(acme, first)
    assert (done["status"], done["progressDone"], done["progressOf"]) == ("DONE", 8, 8)
    assert acme.get(f"/statements/{done['statementId']}").json["verified"] is None


def test_an_export_is_the_statement_itself(acme: Api) -> None:
    now_ = statement(acme, format="csv")
    done = finished(acme, export(acme))
    file = acme.get(done["downloadUrl"], from_root=True)
    assert file.body == now_.body
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert hashlib.sha256(file.body).hexdigest() == done["sha256"]
    assert (len(file.body), done["statementId"]) == (done["size"], now_.headers["x-statement-id"])
    seen = AuditRecord.objects.get(action="export.download")
    assert seen.subject == done["exportId"]
    assert seen.actor.startswith("key:")


def test_transactions_are_exported_with_what_callers_wrote(acme: Api) -> None:
    body = {"amount": "1.00", "description": "=cmd", "metadata": {"a": 1}, "referenceId": "-x"}
    acme.post("/wallets/alice/deposit", body)
    as_json = finished(acme, export(acme, type="transactions", format="json"))
    items = msgspec.json.decode(acme.get(as_json["downloadUrl"], from_root=True).body)["items"]
    shown = acme.get("/wallets/alice/transactions").json["items"]
    assert [{k: one[k] for k in shown[0]} for one in items] == shown[::-1]
    as_csv = finished(acme, export(acme, type="transactions", format="csv"))
    text = acme.get(as_csv["downloadUrl"], from_root=True).body.decode()
    assert "'-x,'=cmd," in text
    is_problem(export(acme, type="transactions", format="pdf"), 400, "invalid_field", "format")


def test_a_key_names_one_export(acme: Api) -> None:
    key = {"Idempotency-Key": "e-1"}
    first, again = export(acme, headers=key), export(acme, headers=key)
    assert (first.status, again.status) == (202, 202)
    assert again.headers["idempotent-replayed"] == "true"
    assert first.json["exportId"] == again.json["exportId"]
    other = export(acme, headers=key, format="json")
    is_problem(other, 422, "idempotency_key_reused")
    assert ExportJob.objects.count() == 1


def test_links_end_and_are_their_owners_alone(acme: Api, globex: Api, reader: Api) -> None:
    done = finished(acme, export(acme))
    other = finished(acme, export(acme, format="json"))
    url = done["downloadUrl"]
    assert reader.get(url, from_root=True).status == 200
    assert globex.get(url, from_root=True).status == 404
    assert globex.get(f"/exports/{done['exportId']}").status == 404
    assert Api().get(url, from_root=True).status == 401
    swapped = url.replace(done["exportId"], other["exportId"])
    is_problem(acme.get(swapped, from_root=True), 404, "export_link_not_found")
    assert acme.get(url.partition("?")[0], from_root=True).status == 404
    with time_machine.travel(now() + timedelta(hours=25), tick=False):
        assert acme.get(url, from_root=True).status == 404
        fresh = acme.get(f"/exports/{done['exportId']}").json["downloadUrl"]
        assert acme.get(fresh, from_root=True).status == 200
    with time_machine.travel(now() + timedelta(hours=73), tick=False):
        late = acme.get(f"/exports/{done['exportId']}").json
        assert (late["status"], late["downloadUrl"]) == ("DONE", None)
        assert purging.purge() == 2
        assert acme.get(f"/exports/{done['exportId']}").json["status"] == "EXPIRED"
    assert acme.get(url, from_root=True).status == 404
    its_file = f"{done['exportId'].replace('-', '')}*"
    assert not list(worker.folder().parent.rglob(its_file))


def test_the_list_goes_from_page_to_page(acme: Api, globex: Api) -> None:
    made = [export(acme, format=name).json["exportId"] for name in ("csv", "json", "pdf")]
    first = acme.get("/exports", query={"limit": 2}).json
    rest = acme.get("/exports", query={"limit": 2, "cursor": first["nextCursor"]}).json
    assert [one["exportId"] for one in first["items"] + rest["items"]] == made[::-1]
    assert rest["nextCursor"] is None
    assert globex.get("/exports").json["items"] == []
    assert acme.get("/exports", query={"status": "DONE"}).json["items"] == []
