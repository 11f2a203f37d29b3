"""Payouts as their callers see them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from tests.contract.assertions import TIME, UUID, is_problem, nothing_happens
from tests.gateway import client_of, sandbox
from tests.http import Api, Reply
from wallets import verification
from wallets.identity import WalletIdentity
from wallets.models import Payout, Scope
from wallets.operations.create_client import add_key
from wallets.payouts import http_gateway, worker
from wallets.payouts.sandbox import Mood, Sandbox

IBAN = {"iban": "DE02120300000000202051"}


@pytest.fixture(autouse=True)
def gateway(acme: Api, alice: WalletIdentity) -> Iterator[Sandbox]:
    acme.deposit("alice", "100.00")
    with sandbox() as server, override_settings(PAYOUT_GATEWAY_URL=server.url):
        http_gateway.configured.cache_clear()
        yield server
    http_gateway.configured.cache_clear()
    assert verification.verify().findings == []


def pay(api: Api, amount: object = "25.00", **more: Any) -> Reply:
    headers = more.pop("headers", None)
    body = {"walletId": "alice", "amount": amount, "destination": IBAN} | more
    return api.post("/payouts", body, headers=headers)


def work(server: Sandbox) -> None:
    Payout.objects.exclude(next_attempt_at=None).update(next_attempt_at="2020-01-01T00:00:00Z")
    worker.run_once(client_of(server.url), stop=threading.Event())


def money(api: Api) -> tuple[str, str, str]:
    body = api.get("/wallets/alice/balance").json
    return body["balance"], body["held"], body["available"]


def test_a_payout_is_held_then_paid(acme: Api, alice: WalletIdentity, gateway: Sandbox) -> None:
    asked = pay(acme, referenceId="p-1", channel="sepa")
    body = asked.json
    assert asked.status == 202
    assert UUID.fullmatch(body["payoutId"])
    assert TIME.fullmatch(body["createdAt"])
    assert body == {
        "payoutId": body["payoutId"],
        "walletId": str(alice.id),
        "status": "PENDING",
        "amount": "25.00",
        "currency": "USD",
        "channel": "sepa",
        "destination": IBAN,
        "referenceId": "p-1",
        "attempts": 0,
        "nextAttemptAt": body["createdAt"],
        "reason": None,
        "gatewayReference": None,
        "transactionId": None,
        "createdAt": body["createdAt"],
        "endedAt": None,
    }
    assert acme.get(asked.headers["location"], from_root=True).json == body
    assert money(acme) == ("100.00", "25.00", "75.00")
    assert acme.get(f"/holds/{body['payoutId']}").json["payoutId"] == body["payoutId"]

    work(gateway)

    paid = acme.get(f"/payouts/{body['payoutId']}").json
    assert (paid["status"], paid["gatewayReference"], paid["reason"]) == ("PAID", "pay-1", None)
    assert (paid["nextAttemptAt"], money(acme)) == (None, ("75.00", "0.00", "75.00"))
    entry = acme.get(f"/transactions/{paid['transactionId']}").json
    assert (entry["type"], entry["amount"], entry["channel"]) == ("CAPTURE", "25.00", "sepa")
    assert [one["amount"] for one in gateway.ledger.paid()] == ["25.00"]
    again = pay(acme, referenceId="p-1", channel="sepa")
    assert (again.status, again.body) == (202, asked.body)
    assert again.headers["idempotent-replayed"] == "true"


def test_a_refused_payout_gives_everything_back(acme: Api, gateway: Sandbox) -> None:
    gateway.mood = Mood(refuse=100)
    asked = pay(acme)
    work(gateway)
    refused = acme.get(f"/payouts/{asked.json['payoutId']}").json
    assert (refused["status"], refused["reason"]) == ("REFUSED", "account_closed")
    assert TIME.fullmatch(refused["endedAt"])
    assert money(acme) == ("100.00", "0.00", "100.00")
    assert gateway.ledger.paid() == []


def test_a_payout_that_waits_says_why_and_until_when(acme: Api, gateway: Sandbox) -> None:
    gateway.shutdown()
    gateway.server_close()
    asked = pay(acme)
    work(gateway)
    waits = acme.get(f"/payouts/{asked.json['payoutId']}").json
    assert (waits["status"], waits["reason"], waits["attempts"]) == ("PENDING", "gateway_away", 1)
    assert waits["nextAttemptAt"] > waits["createdAt"]
    assert money(acme) == ("100.00", "25.00", "75.00")


def test_nobody_else_ends_a_payouts_hold(acme: Api) -> None:
    asked = pay(acme).json["payoutId"]
    with nothing_happens():
        for verb in ("capture", "void"):
            is_problem(acme.post(f"/holds/{asked}/{verb}"), 422, "hold_of_payout")


def test_more_than_is_available_is_refused_and_stays_so(acme: Api) -> None:
    with nothing_happens():
        is_problem(pay(acme, "100.01", referenceId="r"), 422, "insufficient_funds")
    acme.deposit("alice", "50.00")
    with nothing_happens():
        again = pay(acme, "100.01", referenceId="r")
    assert again.headers["idempotent-replayed"] == "true"
    assert not Payout.objects.exists()


def test_another_destination_is_another_payout(acme: Api) -> None:
    pay(acme, headers={"Idempotency-Key": "k"})
    with nothing_happens():
        other = pay(acme, destination={"iban": "x"}, headers={"Idempotency-Key": "k"})
        is_problem(other, 422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"destination": {}}, "destination"),
        ({"destination": None}, "destination"),
        ({"destination": "x"}, "destination"),
        ({"destination": {"x": "y" * 5000}}, "destination"),
        ({"amount": "0"}, "amount"),
        ({"amount": "1", "expiresIn": 5}, "expiresIn"),
        ({"walletId": 7}, "walletId"),
    ],
)
def test_a_malformed_payout_is_refused_with_its_field(
    acme: Api, change: dict[str, Any], field: str
) -> None:
    with nothing_happens():
        reply = acme.post("/payouts", {"walletId": "alice", "amount": "1"} | IBAN_IN | change)
    assert reply.status == 400, str(reply)
    assert [part["field"] for part in reply.json["errors"]] == [field]


def test_payouts_belong_to_their_client(acme: Api, globex: Api) -> None:
    asked = pay(acme)
    with nothing_happens():
        missing = globex.get(f"/payouts/{asked.json['payoutId']}")
        is_problem(missing, 404, "payout_not_found")
        is_problem(pay(globex), 404, "wallet_not_found")
        reader = Api(add_key(name="acme", scopes=[Scope.TRANSACTIONS_WRITE]).key)
        is_problem(pay(reader), 403, "scope_missing")
    assert globex.get("/payouts").json["items"] == []


def test_payouts_are_listed_newest_first_page_by_page(acme: Api, gateway: Sandbox) -> None:
    made = [pay(acme, "1.00").json["payoutId"] for _ in range(3)]
    first = acme.get("/payouts", query={"limit": 2}).json
    rest = acme.get("/payouts", query={"limit": 2, "cursor": first["nextCursor"]}).json
    assert [one["payoutId"] for one in first["items"] + rest["items"]] == made[::-1]
    work(gateway)
    assert acme.get("/payouts", query={"status": "PENDING"}).json["items"] == []
    assert len(acme.get("/payouts", query={"status": "PAID"}).json["items"]) == 3


def test_without_a_gateway_there_are_no_payouts(acme: Api) -> None:
    with override_settings(PAYOUT_GATEWAY_URL=""), nothing_happens():
        http_gateway.configured.cache_clear()
        assert is_problem(pay(acme), 503, "no_gateway").headers["retry-after"]


IBAN_IN = {"destination": IBAN}
