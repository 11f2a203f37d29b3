"""Many movements in one call: independent, and atomic."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.contract.assertions import is_problem, nothing_happens
from tests.http import Api, Reply
from tests.people import refusals
from wallets import verification
from wallets.identity import WalletIdentity

_numbers = itertools.count()


def item(kind: str, wallet: object, amount: object, reference: str = "", **more: Any) -> Any:
    """Make an item with a reference of its own, or with the one given."""
    named = {"type": kind, "walletId": str(wallet), "amount": amount}
    return named | {"referenceId": reference or f"item-{next(_numbers)}"} | more


def send(api: Api, *items: Any, **more: Any) -> Reply:
    return api.post("/transactions/bulk", {"transactions": list(items)} | more)


def statuses(reply: Reply) -> list[int]:
    assert reply.status == 200, str(reply)
    assert [result["index"] for result in reply.json["results"]] == list(
        range(len(reply.json["results"]))
    )
    return [result["status"] for result in reply.json["results"]]


def test_each_by_itself(acme: Api, alice: WalletIdentity, bob: WalletIdentity) -> None:
    reply = send(
        acme,
        item("deposit", "alice", "100.00", "d1", description="first"),
        item("WITHDRAW", alice.id, 30, "w1"),
        item("withdraw", "bob", "1.00", "w1"),
        item("Transfer", "alice", "20.00", "t1", destinationWalletId="bob"),
        item("withdraw", "bob", "5.00", "w2"),
    )
    assert statuses(reply) == [201, 201, 422, 201, 201]
    results = reply.json["results"]
    assert set(results[0]) == {"index", "status", "body"}
    assert set(results[2]) == {"index", "status", "problem"}
    assert results[2]["problem"]["code"] == "insufficient_funds"
    assert results[2]["problem"]["available"] == "0.00"
    assert results[2]["problem"]["status"] == 422
    assert results[0]["body"]["description"] == "first"
    assert results[0]["body"]["referenceId"] == "d1"
    assert results[3]["body"]["destinationWalletId"] == str(bob.id)
    assert [r["body"]["balance"] for r in results if "body" in r] == [
        "100.00",
        "70.00",
        "50.00",
        "15.00",
    ]
    assert (acme.balance("alice"), acme.balance("bob")) == ("50.00", "15.00")
    assert refusals() == ["insufficient_funds"]
    assert verification.verify().findings == []


def test_the_bodies_are_those_of_single_calls_and_share_their_keys(
    acme: Api, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    single = acme.deposit("alice", "10.00", referenceId="d1")
    moved = acme.transfer("alice", "bob", "1.00", referenceId="t1")
    with nothing_happens():
        reply = send(
            acme,
            item("deposit", alice.id, 10, "d1"),
            item("transfer", "alice", "1.0", "t1", destinationWalletId=str(bob.id)),
        )
    assert statuses(reply) == [201, 201]
    assert [r["body"] for r in reply.json["results"]] == [single.json, moved.json]
    assert reply.headers["idempotent-replayed"] == "true"
    made = send(acme, item("deposit", "alice", "3.00", "d2"), item("withdraw", "bob", 9, "w1"))
    assert "idempotent-replayed" not in made.headers
    with nothing_happens():
        again = acme.deposit("alice", "3.00", referenceId="d2")
        assert again.json == made.json["results"][0]["body"]
        assert again.headers["idempotent-replayed"] == "true"
        is_problem(acme.withdraw("bob", 9, referenceId="w1"), 422, "insufficient_funds")
        other = send(acme, item("deposit", "alice", "4.00", "d2"))
    assert other.json["results"][0]["problem"]["code"] == "idempotency_key_reused"


def test_a_reference_twice_in_a_list_is_one_movement(acme: Api, alice: WalletIdentity) -> None:
    reply = send(
        acme,
        item("deposit", "alice", "5.00", "same"),
        item("deposit", alice.id, "5.00", "same"),
        item("deposit", "alice", "6.00", "same"),
    )
    assert statuses(reply) == [201, 201, 422]
    assert reply.json["results"][0]["body"] == reply.json["results"][1]["body"]
    assert acme.balance("alice") == "5.00"


@pytest.mark.parametrize(
    ("broken", "status", "code", "field"),
    [
        ({"amount": "1.001"}, 400, "too_many_decimals", "amount"),
        ({"amount": None}, 400, "malformed_amount", "amount"),
        ({"type": "refund"}, 400, "invalid_field", "type"),
        ({"type": 7}, 400, "wrong_type", "type"),
        ({"walletId": 7}, 400, "wrong_type", "walletId"),
        ({"referenceId": None}, 400, "wrong_type", "referenceId"),
        ({"referenceId": ""}, 400, "invalid_field", "referenceId"),
        ({"referenceId": "a\nb"}, 400, "invalid_field", "referenceId"),
        ({"channel": "No!"}, 400, "invalid_field", "channel"),
        ({"what": 1}, 400, "unknown_field", "what"),
        ({"type": "transfer"}, 400, "field_required", "destinationWalletId"),
        ({"destinationWalletId": "bob"}, 400, "invalid_field", "destinationWalletId"),
        ({"walletId": "nobody"}, 404, "wallet_not_found", "walletId"),
        ({"walletId": "charlie"}, 404, "wallet_not_found", "walletId"),
        ({"walletId": "not a name"}, 404, "wallet_not_found", "walletId"),
        ({"type": "transfer", "destinationWalletId": "charlie"}, 404, None, "destinationWalletId"),
    ],
)
def test_an_item_that_is_wrong_spoils_itself_only(
    acme: Api,
    alice: WalletIdentity,
    bob: WalletIdentity,
    charlie: WalletIdentity,
    broken: Any,
    status: int,
    code: str | None,
    field: str,
) -> None:
    wrong = item("deposit", "alice", "1.00") | broken
    with nothing_happens():
        reply = send(acme, item("deposit", "bob", "1.00"), wrong, atomic=True)
        is_problem(reply, status, code or "destination_wallet_not_found", field)
        assert reply.json["index"] == 1
    reply = send(acme, item("deposit", "alice", "1.00"), wrong, item("deposit", "bob", "1.00"))
    assert statuses(reply) == [201, status, 201]
    problem = reply.json["results"][1]["problem"]
    assert problem["code"] == (code or "destination_wallet_not_found")
    assert [part["field"] for part in problem["errors"]] == [field]
    assert refusals() == []


def test_an_item_with_several_errors_and_one_that_is_no_object(
    acme: Api, alice: WalletIdentity
) -> None:
    reply = send(acme, {"type": "deposit", "x": 1}, 5, item("deposit", "alice", "1.00"))
    assert statuses(reply) == [400, 400, 201]
    first, second, _ = reply.json["results"]
    assert {part["field"] for part in first["problem"]["errors"]} == {
        "amount",
        "walletId",
        "referenceId",
        "x",
    }
    assert second["problem"]["code"] == "wrong_type"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "field_required"),
        ({"transactions": []}, "invalid_field"),
        ({"transactions": {}}, "wrong_type"),
        ({"transactions": [{}], "atomic": "yes"}, "wrong_type"),
        ({"transactions": [{}], "mode": 1}, "unknown_field"),
        ({"transactions": [{}] * 1001}, "invalid_field"),
        ([], "wrong_type"),
        (b'{"transactions": [{"type": "deposit", "type": "deposit"}]}', "duplicate_key"),
        (b'{"transactions": [', "malformed_json"),
    ],
)
def test_a_malformed_envelope_is_refused_whole(
    acme: Api, alice: WalletIdentity, body: Any, code: str
) -> None:
    with nothing_happens():
        is_problem(acme.post("/transactions/bulk", body), 400, code)


def test_the_header_is_refused(acme: Api, alice: WalletIdentity) -> None:
    body = {"transactions": [item("deposit", "alice", "1.00")]}
    with nothing_happens():
        reply = acme.post("/transactions/bulk", body, headers={"Idempotency-Key": "k"})
        is_problem(reply, 400, "invalid_header", "Idempotency-Key")
    assert "idempotency-key" not in reply.headers


def test_a_thousand_items_and_a_mebibyte(acme: Api, alice: WalletIdentity) -> None:
    items = [
        item("deposit", "alice", "0.01", description="x" * 255, metadata={"n": "y" * 400})
        for _ in range(1000)
    ]
    reply = send(acme, *items)
    assert set(statuses(reply)) == {201}
    assert acme.balance("alice") == "10.00"
    assert [r["body"]["version"] for r in reply.json["results"]] == list(range(2, 1002))
    with nothing_happens():
        over = b'{"transactions": []' + b" " * 1_048_576 + b"}"
        is_problem(acme.post("/transactions/bulk", over), 413, "body_too_large")
        is_problem(acme.post("/wallets/alice/deposit", b" " * 65_537), 413, "body_too_large")
    assert verification.verify().findings == []


def test_atomic_all(acme: Api, alice: WalletIdentity, bob: WalletIdentity) -> None:
    items = [
        item("deposit", "alice", "10.00"),
        item("transfer", "alice", "10.00", destinationWalletId="bob"),
        item("withdraw", "bob", "4.00"),
    ]
    reply = send(acme, *items, atomic=True)
    assert statuses(reply) == [201, 201, 201]
    assert (acme.balance("alice"), acme.balance("bob")) == ("0.00", "6.00")
    with nothing_happens():
        again = send(acme, *items, atomic=True)
    assert again.body == reply.body
    assert again.headers["idempotent-replayed"] == "true"
    with nothing_happens():
        assert acme.deposit("alice", "10.00", referenceId=items[0]["referenceId"]).status == 201
    assert verification.verify().findings == []


def test_atomic_none(acme: Api, alice: WalletIdentity, bob: WalletIdentity) -> None:
    acme.deposit("alice", "10.00")
    items = [
        item("withdraw", "alice", "4.00"),
        item("transfer", "alice", "6.00", destinationWalletId="bob"),
        item("withdraw", "bob", "6.01"),
        item("deposit", "bob", "100.00"),
    ]
    with nothing_happens():
        first = is_problem(send(acme, *items, atomic=True), 422, "insufficient_funds")
        assert (first.json["index"], first.json["available"]) == (2, "6.00")
        assert "idempotent-replayed" not in first.headers
    assert refusals() == ["insufficient_funds"] * 4
    acme.deposit("bob", "50.00")
    with nothing_happens():
        again = is_problem(send(acme, *items, atomic=True), 422, "insufficient_funds")
        assert again.headers["idempotent-replayed"] == "true"
        assert (again.json["index"], again.json["detail"]) == (2, first.json["detail"])
        single = acme.deposit("bob", "100.00", referenceId=items[3]["referenceId"])
        is_problem(single, 422, "insufficient_funds")
    assert verification.verify().findings == []


def test_atomic_with_keys_that_are_known_in_part(acme: Api, alice: WalletIdentity) -> None:
    acme.deposit("alice", "10.00", referenceId="old")
    acme.withdraw("alice", "99.00", referenceId="refused")
    old, new = item("deposit", "alice", "10.00", "old"), item("deposit", "alice", "1.00", "new")
    refused = item("withdraw", "alice", "99.00", "refused")
    with nothing_happens():
        for items, index in (
            ([old, new], 0),
            ([new, old], 1),
            ([old, refused], 0),
            ([new, refused], 1),
            ([old, old | {"amount": "2.00"}], 1),
            ([new, new | {"amount": "2.00"}], 1),
        ):
            reply = send(acme, *items, atomic=True)
            is_problem(reply, 422, "idempotency_key_reused")
            assert reply.json["index"] == index
        assert statuses(send(acme, old, old, atomic=True)) == [201, 201]
        assert send(acme, refused, atomic=True).json["code"] == "insufficient_funds"
    assert refusals() == ["insufficient_funds"]
    assert statuses(send(acme, new, new, atomic=True)) == [201, 201]
    assert acme.balance("alice") == "11.00"


def test_whose_wallets_and_with_what_key(
    acme: Api, reader: Api, globex: Api, alice: WalletIdentity
) -> None:
    with nothing_happens():
        is_problem(send(reader, item("deposit", "alice", 1)), 403, "scope_missing")
        assert statuses(send(globex, item("deposit", alice.id, 1))) == [404]
