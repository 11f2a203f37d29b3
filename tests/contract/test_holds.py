"""Money that is set aside: placed, captured, voided, expired, and counted everywhere."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import jsonschema
import pytest

from events import contracts, schemas
from events.models import OutboxEvent
from tests.contract.assertions import TIME, UUID, is_problem, nothing_happens
from tests.http import Api, Reply
from tests.people import refusals
from wallet_project.kit import clock
from wallets import verification
from wallets.identity import WalletIdentity
from wallets.models import Hold, Scope, Wallet
from wallets.operations.create_client import add_key


def place(api: Api, amount: object = "40.00", wallet: str = "alice", **more: Any) -> Reply:
    headers = more.pop("headers", None)
    return api.post(f"/wallets/{wallet}/holds", {"amount": amount} | more, headers=headers)


def capture(api: Api, hold: Reply, body: Any = None, **more: Any) -> Reply:
    return api.post(f"/holds/{hold.json['holdId']}/capture", body, **more)


def void(api: Api, hold: Reply, body: Any = None, **more: Any) -> Reply:
    return api.post(f"/holds/{hold.json['holdId']}/void", body, **more)


def money(api: Api, wallet: str = "alice") -> tuple[str, str, str]:
    body = api.get(f"/wallets/{wallet}/balance").json
    return body["balance"], body["held"], body["available"]


def told(wallet: WalletIdentity) -> list[tuple[int | None, str, dict[str, Any]]]:
    """List sequence, type and value of the events of a wallet after its first two."""
    rows = OutboxEvent.objects.filter(stream=wallet.id, sequence__gt=2).order_by("id")
    return [(row.sequence, row.type, json.loads(bytes(row.payload))) for row in rows]


@pytest.fixture(autouse=True)
def funded(acme: Api, alice: WalletIdentity, bob: WalletIdentity) -> Any:
    acme.deposit("alice", "100.00")
    yield
    assert verification.verify().findings == []


def test_a_hold_keeps_money_in_the_wallet_and_out_of_reach(
    acme: Api, alice: WalletIdentity
) -> None:
    held = place(acme, referenceId="order-17", description="Bicycle", metadata={"a": 1})
    body = held.json
    assert held.status == 201
    assert UUID.fullmatch(body["holdId"])
    assert TIME.fullmatch(body["createdAt"])
    assert body == {
        "holdId": body["holdId"],
        "walletId": str(alice.id),
        "status": "ACTIVE",
        "amount": "40.00",
        "capturedAmount": "0.00",
        "currency": "USD",
        "channel": "default",
        "referenceId": "order-17",
        "description": "Bicycle",
        "metadata": {"a": 1},
        "expiresAt": None,
        "payoutId": None,
        "transactionId": None,
        "version": 3,
        "createdAt": body["createdAt"],
        "endedAt": None,
    }
    assert held.headers["location"] == f"/api/v1/holds/{body['holdId']}"
    assert held.headers["etag"] == '"3"'
    assert acme.get(held.headers["location"], from_root=True).json == body
    assert money(acme) == ("100.00", "40.00", "60.00")
    shown = acme.get("/wallets/alice").json
    assert (shown["held"], shown["available"], shown["version"]) == ("40.00", "60.00", 3)


def test_what_is_held_counts_wherever_money_leaves(acme: Api, alice: WalletIdentity) -> None:
    place(acme)
    with nothing_happens():
        refused = [
            acme.withdraw("alice", "60.01"),
            acme.transfer("alice", "bob", "60.01"),
            place(acme, "60.01"),
            acme.post("/v1/wallet/alice/withdraw", {"amount": 60.01}, from_root=True),
        ]
        item = {"type": "withdraw", "walletId": "alice", "amount": "60.01", "referenceId": "r"}
        bulk = acme.post("/transactions/bulk", {"transactions": [item]}).json["results"][0]
        closing = acme.post("/wallets/alice/close")
    assert [reply.status for reply in refused] == [422] * 4
    assert bulk["problem"]["code"] == "insufficient_funds"
    numbers = {"available": "60.00", "held": "40.00", "balance": "100.00", "shortfall": "0.01"}
    assert numbers.items() <= is_problem(refused[0], 422, "insufficient_funds").json.items()
    assert is_problem(closing, 422, "wallet_not_empty").json["held"] == "40.00"
    assert acme.withdraw("alice", "60.00").status == 201
    assert money(acme) == ("40.00", "40.00", "0.00")


def test_a_wallet_closes_only_without_holds(acme: Api, alice: WalletIdentity) -> None:
    held = place(acme, "100.00")
    assert capture(acme, held, {"amount": "99.00"}).status == 201
    last = place(acme, "1.00")
    is_problem(acme.post("/wallets/alice/close"), 422, "wallet_not_empty")
    assert capture(acme, last).status == 201
    assert acme.post("/wallets/alice/close").status == 200


def test_a_capture_takes_all_of_it(acme: Api, alice: WalletIdentity) -> None:
    held = place(acme, channel="card", expiresIn=600)
    taken = capture(acme, held, {"referenceId": "shipped", "description": "Sent"})
    body = taken.json
    assert taken.status == 201
    assert body == {
        "transactionId": body["transactionId"],
        "type": "CAPTURE",
        "walletId": str(alice.id),
        "amount": "40.00",
        "currency": "USD",
        "balance": "60.00",
        "version": 4,
        "referenceId": "shipped",
        "description": "Sent",
        "createdAt": body["createdAt"],
        "holdId": held.json["holdId"],
    }
    assert money(acme) == ("60.00", "0.00", "60.00")
    entry = acme.get(taken.headers["location"], from_root=True).json
    assert (entry["type"], entry["channel"]) == ("CAPTURE", "card")
    assert {line["account"] for line in entry["postings"]} == {None, "acme:external:card:USD"}
    after = acme.get(f"/holds/{held.json['holdId']}").json
    assert (after["status"], after["capturedAmount"]) == ("CAPTURED", "40.00")
    assert (after["transactionId"], after["endedAt"]) == (body["transactionId"], body["createdAt"])
    assert acme.get("/wallets/alice/transactions").json["items"][0]["type"] == "CAPTURE"


def test_a_part_is_captured_once_and_the_rest_is_available_again(acme: Api) -> None:
    held = place(acme)
    taken = capture(acme, held, {"amount": "30.00"})
    assert (taken.status, taken.json["amount"], taken.json["balance"]) == (201, "30.00", "70.00")
    assert money(acme) == ("70.00", "0.00", "70.00")
    with nothing_happens():
        again = is_problem(capture(acme, held, {"amount": "10.00"}), 422, "hold_not_active")
    assert again.json["holdStatus"] == "CAPTURED"


def test_more_than_was_held_cannot_be_captured(acme: Api) -> None:
    held = place(acme)
    with nothing_happens():
        refused = capture(acme, held, {"amount": "40.01"}, headers={"Idempotency-Key": "k"})
        assert is_problem(refused, 422, "capture_too_large").json["held"] == "40.00"
    assert capture(acme, held, {"amount": "40.00"}).status == 201
    late = capture(acme, held, {"amount": "40.01"}, headers={"Idempotency-Key": "k"})
    assert late.headers["idempotent-replayed"] == "true"
    assert late.json["code"] == "capture_too_large"


def test_a_void_makes_all_of_it_available_again(acme: Api) -> None:
    held = place(acme)
    voided = void(acme, held, {"referenceId": "cancelled"})
    assert (voided.status, voided.json["status"]) == (200, "VOIDED")
    assert money(acme) == ("100.00", "0.00", "100.00")
    assert acme.get(f"/holds/{held.json['holdId']}").json == voided.json
    with nothing_happens():
        again = void(acme, held, {"referenceId": "cancelled"})
        assert (again.status, again.body) == (200, voided.body)
        assert again.headers["idempotent-replayed"] == "true"
        is_problem(void(acme, held), 422, "hold_not_active")
        is_problem(capture(acme, held), 422, "hold_not_active")


def test_every_step_is_one_event_in_the_order_of_versions(acme: Api, alice: WalletIdentity) -> None:
    first = place(acme, referenceId="order-17", expiresAt="2027-01-01T00:00:00Z").json["holdId"]
    taken = acme.post(f"/holds/{first}/capture", {"amount": "30.00", "referenceId": "s"}).json
    second = place(acme, "20.00").json["holdId"]
    acme.post(f"/holds/{second}/void")
    third = place(acme, "10.00", expiresIn=1).json["holdId"]
    time.sleep(1.1)
    acme.withdraw("alice", "1.00")

    assert [(sequence, type_) for sequence, type_, _ in told(alice)] == [
        (3, contracts.HELD),
        (4, contracts.CAPTURED),
        (5, contracts.HELD),
        (6, contracts.RELEASED),
        (7, contracts.HELD),
        (8, contracts.RELEASED),
        (9, contracts.WITHDRAWN),
    ]
    held, captured, _, voided, _, expired, _ = (value for _, _, value in told(alice))
    assert (held["holdId"], held["amount"], held["expiresAt"], held["available"]) == (
        first,
        "40.00",
        "2027-01-01T00:00:00.000000Z",
        "60.00",
    )
    assert (captured["amount"], captured["released"], captured["held"]) == (
        "30.00",
        "10.00",
        "0.00",
    )
    assert captured["transactionId"] == taken["transactionId"]
    assert (voided["reason"], voided["holdId"]) == ("VOIDED", second)
    assert (expired["reason"], expired["holdId"]) == ("EXPIRED", third)
    for _, type_, value in told(alice):
        jsonschema.validate(value, schemas.of_type(type_))


def test_an_expired_hold_counts_no_more_although_nobody_swept(
    acme: Api, alice: WalletIdentity
) -> None:
    held = place(acme, "100.00", expiresIn=1)
    is_problem(acme.withdraw("alice", "1.00"), 422, "insufficient_funds")
    assert money(acme) == ("100.00", "100.00", "0.00")
    time.sleep(1.05)

    assert Hold.objects.get().status == "ACTIVE"
    assert money(acme) == ("100.00", "0.00", "100.00")
    assert acme.get("/wallets/alice").json["available"] == "100.00"
    assert acme.get("/wallets").json["items"][-1]["held"] == "0.00"
    shown = acme.get(f"/holds/{held.json['holdId']}").json
    assert (shown["status"], shown["endedAt"]) == ("EXPIRED", held.json["expiresAt"])
    assert [h["status"] for h in _page(acme)["items"]] == ["EXPIRED"]
    assert _page(acme, status="ACTIVE")["items"] == []
    assert len(_page(acme, status="EXPIRED")["items"]) == 1
    assert Hold.objects.get().status == "ACTIVE"

    late = is_problem(capture(acme, held), 422, "hold_not_active")
    assert late.json["holdStatus"] == "EXPIRED"
    assert Hold.objects.get().status == "EXPIRED"
    assert acme.withdraw("alice", "100.00").status == 201


def test_a_hold_is_told_again_after_it_has_expired(acme: Api, alice: WalletIdentity) -> None:
    soon = (clock.now() + timedelta(seconds=1)).isoformat()
    held = place(acme, referenceId="order-17", expiresAt=soon)
    time.sleep(1.1)

    again = place(acme, referenceId="order-17", expiresAt=soon)

    assert held.status == 201
    assert (again.status, again.json) == (held.status, held.json)
    assert money(acme)[2] == "100.00"


def test_a_wallet_closes_as_soon_as_its_last_hold_has_expired(
    acme: Api, alice: WalletIdentity
) -> None:
    Wallet.objects.filter(pk=alice.id).update(overdraft_limit=1000)
    acme.withdraw("alice", "100.00")
    place(acme, "10.00", expiresIn=1)
    with nothing_happens():
        is_problem(acme.post("/wallets/alice/close"), 422, "wallet_not_empty")
    time.sleep(1.05)
    closed = acme.post("/wallets/alice/close").json
    assert (closed["status"], closed["held"], closed["version"]) == ("CLOSED", "0.00", 6)


def test_a_frozen_wallet_takes_no_hold_and_pays_none_but_lets_go_of_them(
    acme: Api, alice: WalletIdentity
) -> None:
    held = place(acme)
    acme.post("/wallets/alice/freeze")
    with nothing_happens():
        is_problem(place(acme), 422, "wallet_frozen")
        is_problem(capture(acme, held), 422, "wallet_frozen")
    assert void(acme, held).status == 200


def test_the_same_key_places_one_hold(acme: Api) -> None:
    first = place(acme, headers={"Idempotency-Key": "k"})
    void(acme, first)
    with nothing_happens():
        again = place(acme, headers={"Idempotency-Key": "k"})
        assert (again.status, again.body) == (201, first.body)
        assert again.headers["idempotent-replayed"] == "true"
        other = place(acme, "41.00", headers={"Idempotency-Key": "k"})
        is_problem(other, 422, "idempotency_key_reused")
        longer = place(acme, expiresIn=60, headers={"Idempotency-Key": "k"})
        is_problem(longer, 422, "idempotency_key_reused")
        paid = acme.deposit("alice", "1.00", headers={"Idempotency-Key": "k"})
        is_problem(paid, 422, "idempotency_key_reused")


def test_the_key_of_a_void_or_a_capture_names_nothing_else(acme: Api) -> None:
    first, second = place(acme, "10.00"), place(acme, "10.00")
    for act, key in ((void, "v"), (capture, "c")):
        made = act(acme, first if act is void else second, headers={"Idempotency-Key": key})
        assert made.status in (200, 201)
        with nothing_happens():
            paid = acme.deposit("alice", "1.00", headers={"Idempotency-Key": key})
            is_problem(paid, 422, "idempotency_key_reused")
    with nothing_happens():
        again = capture(acme, second, headers={"Idempotency-Key": "c"})
    assert (again.status, again.headers["idempotent-replayed"]) == (201, "true")


def test_a_refused_hold_stays_refused_for_its_key(acme: Api) -> None:
    with nothing_happens():
        place(acme, "100.01", referenceId="r")
    acme.deposit("alice", "50.00")
    with nothing_happens():
        again = place(acme, "100.01", referenceId="r")
    assert (again.status, again.headers["idempotent-replayed"]) == (422, "true")
    assert refusals() == ["insufficient_funds"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "amount"),
        ({"amount": "0"}, "amount"),
        ({"amount": "1", "expiresIn": 0}, "expiresIn"),
        ({"amount": "1", "expiresIn": 1.5}, "expiresIn"),
        ({"amount": "1", "expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        ({"amount": "1", "expiresAt": "9999-01-01T00:00:00Z"}, "expiresAt"),
        ({"amount": "1", "expiresAt": "soon"}, "expiresAt"),
        ({"amount": "1", "expiresAt": "2026-12-01T00:00:00Z", "expiresIn": 5}, "expiresIn"),
        ({"amount": "1", "valueDate": "2026-01-01"}, "valueDate"),
    ],
)
def test_a_malformed_hold_is_refused_with_its_field(
    acme: Api, body: dict[str, Any], field: str
) -> None:
    with nothing_happens():
        reply = acme.post("/wallets/alice/holds", body)
    assert reply.status == 400, str(reply)
    assert [part["field"] for part in reply.json["errors"]] == [field]


def test_a_capture_reads_amounts_like_any_other_movement(acme: Api) -> None:
    held = place(acme)
    with nothing_happens():
        for amount in ("0", "-1", "1.001", "x", True):
            assert capture(acme, held, {"amount": amount}).status == 400
    assert capture(acme, held, {"amount": 1}).json["amount"] == "1.00"


def test_holds_are_listed_newest_first_page_by_page(acme: Api) -> None:
    made = [place(acme, "1.00").json["holdId"] for _ in range(5)]
    void(acme, place(acme, "1.00"))
    first = _page(acme, limit=2, status="ACTIVE")
    rest = _page(acme, limit=10, status="ACTIVE", cursor=first["nextCursor"])
    assert [h["holdId"] for h in first["items"] + rest["items"]] == made[::-1]
    assert rest["nextCursor"] is None
    assert [h["status"] for h in _page(acme)["items"]].count("VOIDED") == 1
    for query in ({"status": "active"}, {"cursor": "x"}, {"limit": 0}):
        assert acme.get("/wallets/alice/holds", query=query).status == 400


def test_holds_need_a_scope_of_their_own(acme: Api, globex: Api) -> None:
    held = place(acme)
    mover = Api(add_key(name="acme", scopes=[Scope.TRANSACTIONS_WRITE]).key)
    with nothing_happens():
        for reply in (place(mover), capture(mover, held), void(mover, held)):
            is_problem(reply, 403, "scope_missing")
        for reply in (capture(globex, held), void(globex, held)):
            is_problem(reply, 404, "hold_not_found")
        is_problem(acme.post("/holds/x/void"), 404, "hold_not_found")


def _page(api: Api, **query: Any) -> Any:
    return api.get("/wallets/alice/holds", query=query).json
