"""Freezing, unfreezing and closing a wallet."""

from __future__ import annotations

from typing import Any

import pytest

from events.models import OutboxEvent
from tests.contract.assertions import is_problem, nothing_happens
from tests.http import Api
from tests.people import refusals
from wallet_project.kit.audit import Actor
from wallets import verification
from wallets.identity import WalletIdentity
from wallets.models import Wallet
from wallets.operations._status import StatusRequest
from wallets.operations.freeze_wallet import freeze_wallet
from wallets.operations.unfreeze_wallet import unfreeze_wallet

VERBS = ("freeze", "unfreeze", "close")


def told(wallet: WalletIdentity) -> list[tuple[str, int | None]]:
    events = OutboxEvent.objects.filter(stream=wallet.id).order_by("id")
    return list(events.values_list("type", "sequence"))


def test_a_frozen_wallet_refuses_debits_and_credits_until_unfrozen(
    acme: Api, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    acme.deposit("alice", "10.00")
    acme.deposit("bob", "10.00")
    frozen = acme.post("/wallets/alice/freeze", {"reason": "card reported stolen"})
    assert (frozen.status, frozen.json["status"], frozen.json["version"]) == (200, "FROZEN", 3)
    assert frozen.headers["etag"] == '"3"'
    assert acme.get("/wallets/alice").json == frozen.json
    with nothing_happens():
        is_problem(acme.deposit("alice", "1.00"), 422, "wallet_frozen")
        is_problem(acme.withdraw("alice", "1.00"), 422, "wallet_frozen")
        is_problem(acme.transfer("alice", "bob", "1.00"), 422, "wallet_frozen")
        is_problem(acme.transfer("bob", "alice", "1.00"), 422, "wallet_frozen")
    assert acme.balance("alice") == "10.00"
    thawed = acme.post("/wallets/alice/unfreeze")
    assert (thawed.status, thawed.json["status"], thawed.json["version"]) == (200, "ACTIVE", 4)
    assert acme.withdraw("alice", "1.00").json["version"] == 5
    assert told(alice) == [
        ("wallet.created.v1", 1),
        ("wallet.deposited.v1", 2),
        ("wallet.frozen.v1", 3),
        ("wallet.unfrozen.v1", 4),
        ("wallet.withdrawn.v1", 5),
    ]
    assert verification.verify().findings == []


def test_the_event_tells_the_status_and_no_reason(acme: Api, alice: WalletIdentity) -> None:
    acme.post("/wallets/alice/freeze", {"reason": "a matter of ours"})
    payload = bytes(OutboxEvent.objects.get(type="wallet.frozen.v1").payload)
    assert b'"status":"FROZEN"' in payload
    assert b"a matter of ours" not in payload


@pytest.mark.parametrize("verb", VERBS)
def test_the_second_time_changes_nothing(acme: Api, alice: WalletIdentity, verb: str) -> None:
    if verb == "unfreeze":
        acme.post("/wallets/alice/freeze")
    first = acme.post(f"/wallets/alice/{verb}")
    assert first.status == 200
    with nothing_happens():
        again = acme.post(f"/wallets/alice/{verb}", headers={"Idempotency-Key": "twice"})
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["idempotency-key"] == "twice"
    assert verification.verify().findings == []


def test_a_wallet_is_closed_at_zero_and_without_holds(acme: Api, alice: WalletIdentity) -> None:
    acme.deposit("alice", "10.00")
    with nothing_happens():
        reply = is_problem(acme.post("/wallets/alice/close"), 422, "wallet_not_empty")
    assert (reply.json["balance"], reply.json["held"]) == ("10.00", "0.00")
    acme.withdraw("alice", "10.00")
    closed = acme.post("/wallets/alice/close", {})
    assert (closed.json["status"], closed.json["version"]) == ("CLOSED", 4)
    assert told(alice)[-1] == ("wallet.closed.v1", 4)
    assert refusals() == []


def test_a_wallet_with_a_hold_is_not_closed(acme: Api, alice: WalletIdentity) -> None:
    Wallet.objects.filter(pk=alice.id).update(held=500, overdraft_limit=500)
    with nothing_happens():
        reply = is_problem(acme.post("/wallets/alice/close"), 422, "wallet_not_empty")
    assert (reply.json["balance"], reply.json["held"]) == ("0.00", "5.00")


def test_a_frozen_wallet_can_be_closed(acme: Api, alice: WalletIdentity) -> None:
    acme.post("/wallets/alice/freeze")
    assert acme.post("/wallets/alice/close").json["status"] == "CLOSED"


def test_a_closed_wallet_refuses_everything(
    acme: Api, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    acme.deposit("bob", "10.00")
    acme.post("/wallets/alice/close")
    with nothing_happens():
        for verb in ("freeze", "unfreeze"):
            is_problem(acme.post(f"/wallets/alice/{verb}"), 422, "wallet_closed")
        is_problem(acme.deposit("alice", "1.00"), 422, "wallet_closed")
        is_problem(acme.withdraw("alice", "1.00"), 422, "wallet_closed")
        is_problem(acme.transfer("bob", "alice", "1.00"), 422, "wallet_closed")
        is_problem(acme.patch("/wallets/alice", {"metadata": {"a": 1}}), 422, "wallet_closed")
    assert acme.get("/wallets/alice").json["status"] == "CLOSED"


@pytest.mark.parametrize("verb", VERBS)
def test_if_match(acme: Api, alice: WalletIdentity, verb: str) -> None:
    path = f"/wallets/alice/{verb}"
    with nothing_happens():
        for old in ('"0"', '"2"', 'W/"1"'):
            reply = acme.post(path, headers={"If-Match": old})
            is_problem(reply, 412, "version_mismatch")
        is_problem(acme.post(path, headers={"If-Match": "1, 2"}), 400, "invalid_header")
    assert acme.post(path, headers={"If-Match": '"1"'}).status == 200


@pytest.mark.parametrize("verb", VERBS)
def test_bodies(acme: Api, alice: WalletIdentity, verb: str) -> None:
    path = f"/wallets/alice/{verb}"
    with nothing_happens():
        is_problem(acme.post(path, {"reason": 5}), 400, "wrong_type", "reason")
        is_problem(acme.post(path, {"reason": "a\nb"}), 400, "invalid_field", "reason")
        is_problem(acme.post(path, {"reason": "x" * 256}), 400, "invalid_field", "reason")
        is_problem(acme.post(path, {"why": "x"}), 400, "unknown_field", "why")
        is_problem(acme.post(path, []), 400, "wrong_type")
        is_problem(acme.post(path, b"x" * 65_537), 413, "body_too_large")
        text = {"Content-Type": "text/plain"}
        is_problem(acme.post(path, b"{}", headers=text), 415, "unsupported_media_type")
    assert acme.post(path, {"reason": None}).status == 200
    assert acme.post(path, headers={"Content-Length": "0"}).status == 200


@pytest.mark.parametrize("verb", VERBS)
def test_whose_wallet_and_with_what_key(
    acme: Api, reader: Api, globex: Api, alice: WalletIdentity, verb: str
) -> None:
    with nothing_happens():
        for name in ("alice", alice.id):
            is_problem(globex.post(f"/wallets/{name}/{verb}"), 404, "wallet_not_found")
        is_problem(reader.post(f"/wallets/alice/{verb}"), 403, "scope_missing")


OFFICER = Actor("staff:7", "fiona")


def by_staff(**more: Any) -> StatusRequest:
    return StatusRequest(actor=OFFICER.id, reason="fraud suspected", staff=OFFICER, **more)


def test_what_the_operator_has_frozen_its_client_does_not_unfreeze(
    acme: Api, alice: WalletIdentity
) -> None:
    acme.deposit("alice", "10.00")
    freeze_wallet(wallet=alice, request=by_staff())
    with nothing_happens():
        is_problem(acme.post("/wallets/alice/unfreeze"), 403, "frozen_by_operator")
        is_problem(acme.withdraw("alice", "1.00"), 422, "wallet_frozen")
    # Nor by freezing it first, as if it were its own doing.
    assert acme.post("/wallets/alice/freeze").status == 200
    with nothing_happens():
        is_problem(acme.post("/wallets/alice/unfreeze"), 403, "frozen_by_operator")
    other = Actor("staff:8", "george")
    unfreeze_wallet(wallet=alice, request=StatusRequest(actor=other.id, reason="no", staff=other))
    acme.post("/wallets/alice/freeze")
    assert acme.post("/wallets/alice/unfreeze").json["status"] == "ACTIVE"


def test_the_operator_takes_over_what_the_client_has_frozen(
    acme: Api, alice: WalletIdentity
) -> None:
    acme.post("/wallets/alice/freeze")
    freeze_wallet(wallet=alice, request=by_staff())
    with nothing_happens():
        is_problem(acme.post("/wallets/alice/unfreeze"), 403, "frozen_by_operator")
        freeze_wallet(wallet=alice, request=by_staff())
    assert told(alice) == [
        ("wallet.created.v1", 1),
        ("wallet.frozen.v1", 2),
        ("wallet.frozen.v1", 3),
    ]
    assert verification.verify().findings == []
