"""Operations: accepted now, made afterwards in the order of acceptance."""

from __future__ import annotations

import pytest

from events.models import OutboxEvent
from tests.contract.assertions import TIME, UUID, is_problem, nothing_happens
from tests.http import Api
from tests.operations import accept, messages, shown, stands, work
from tests.people import refusals
from wallets import verification
from wallets.identity import WalletIdentity
from wallets.models import Operation

K = {"Idempotency-Key": "k-1"}


def test_an_operation_is_accepted_and_then_made(acme: Api, alice: WalletIdentity) -> None:
    reply = accept(acme, "DEPOSIT", "alice", "100.00", referenceId="dep-1")
    assert reply.status == 202, str(reply)
    assert set(reply.json) == {"operationId", "walletId", "status"}
    assert UUID.fullmatch(reply.json["operationId"])
    assert (reply.json["walletId"], reply.json["status"]) == (str(alice.id), "PENDING")
    where = f"/api/v1/wallets/{alice.id}/operations/{reply.json['operationId']}"
    assert reply.headers["location"] == where
    assert reply.headers["idempotency-key"] == "dep-1"
    assert "idempotent-replayed" not in reply.headers

    before = shown(acme, reply)
    assert before == {
        "operationId": reply.json["operationId"],
        "walletId": str(alice.id),
        "operationType": "DEPOSIT",
        "amount": "100.00",
        "status": "PENDING",
        "reason": None,
        "transactionId": None,
        "balance": None,
        "createdAt": before["createdAt"],
        "processedAt": None,
    }
    assert TIME.fullmatch(before["createdAt"])
    assert acme.balance("alice") == "0.00"

    work()
    after = shown(acme, reply)
    assert after == before | {
        "status": "COMPLETED",
        "transactionId": after["transactionId"],
        "balance": "100.00",
        "processedAt": after["processedAt"],
    }
    assert TIME.fullmatch(after["processedAt"])
    entry = acme.get(f"/transactions/{after['transactionId']}").json
    assert (entry["type"], entry["amount"], entry["referenceId"]) == ("DEPOSIT", "100.00", "dep-1")
    assert acme.balance("alice") == "100.00"
    assert verification.verify().findings == []


def test_what_is_sent_with_it_reaches_the_books(acme: Api, alice: WalletIdentity) -> None:
    reply = accept(
        acme,
        "DEPOSIT",
        alice.id,
        5,
        description="pocket money",
        metadata={"a": 1},
        channel="card",
        valueDate="2026-01-15",
        currency="USD",
    )
    work()
    entry = acme.get(f"/transactions/{shown(acme, reply)['transactionId']}").json
    assert entry["description"] == "pocket money"
    assert entry["metadata"] == {"a": 1}
    assert (entry["channel"], entry["valueDate"]) == ("card", "2026-01-15")
    # The books can erase a text; nobody would think of another copy of it.
    row = Operation.objects.get()
    assert (row.description, row.metadata) == (None, None)


def test_a_transfer_is_made_from_its_source(
    acme: Api, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    acme.deposit("alice", "30.00")
    reply = accept(acme, "TRANSFER", "alice", "20.00", destinationWalletId="bob")
    assert reply.status == 202, str(reply)
    assert [event.stream for event in messages()] == [alice.id]
    work()
    found = shown(acme, reply)
    assert (found["status"], found["balance"]) == ("COMPLETED", "10.00")
    assert found["destinationWalletId"] == str(bob.id)
    assert (acme.balance("alice"), acme.balance("bob")) == ("10.00", "20.00")


def test_a_refused_operation_has_failed_for_good(acme: Api, alice: WalletIdentity) -> None:
    reply = accept(acme, "WITHDRAW", "alice", "1.00", referenceId="w")
    with nothing_happens():
        work()
    found = shown(acme, reply)
    assert (found["status"], found["reason"]) == ("FAILED", "insufficient_funds")
    assert (found["transactionId"], found["balance"]) == (None, None)
    assert TIME.fullmatch(found["processedAt"])
    assert refusals() == ["insufficient_funds"]

    acme.deposit("alice", "5.00")
    with nothing_happens():
        work()
        again = accept(acme, "WITHDRAW", "alice", "1.00", referenceId="w")
        is_problem(acme.withdraw("alice", "1.00", referenceId="w"), 422, "insufficient_funds")
    assert again.body == reply.body
    assert shown(acme, again) == found


@pytest.mark.parametrize(
    ("status", "reason"), [("freeze", "wallet_frozen"), ("close", "wallet_closed")]
)
def test_a_wallet_that_takes_nothing_fails_its_operations(
    acme: Api, alice: WalletIdentity, status: str, reason: str
) -> None:
    reply = accept(acme, "DEPOSIT", "alice", "1.00")
    assert acme.post(f"/wallets/alice/{status}").status == 200
    with nothing_happens():
        work()
    found = shown(acme, reply)
    assert (found["status"], found["reason"]) == ("FAILED", reason)


def test_a_repeat_tells_the_same_before_and_after(acme: Api, alice: WalletIdentity) -> None:
    first = accept(acme, "DEPOSIT", "alice", "100.00", headers=K, description="x")
    for _ in range(2):
        with nothing_happens():
            for amount in ("100", 100.0, "100.0"):
                again = accept(acme, "DEPOSIT", alice.id, amount, headers=K, description="x")
                assert (again.status, again.body) == (202, first.body)
                assert again.headers["idempotent-replayed"] == "true"
                assert again.headers["idempotency-key"] == "k-1"
                assert again.headers["location"] == first.headers["location"]
        work()
    assert stands() == {"COMPLETED": 1}
    assert acme.balance("alice") == "100.00"


def test_another_command_with_the_key_is_refused(
    acme: Api, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    accept(acme, "DEPOSIT", "alice", "5.00", headers=K)
    for _ in range(2):
        with nothing_happens():
            for other in (
                accept(acme, "DEPOSIT", "alice", "6.00", headers=K),
                accept(acme, "DEPOSIT", "bob", "5.00", headers=K),
                acme.deposit("alice", "6.00", headers=K),
                acme.post("/wallets", {}, headers=K),
            ):
                is_problem(other, 422, "idempotency_key_reused")
        work()
    assert stands() == {"COMPLETED": 1}


def test_a_key_of_another_request_is_no_operation(acme: Api, alice: WalletIdentity) -> None:
    acme.deposit("alice", "5.00", headers=K)
    acme.post("/wallets", {}, headers={"Idempotency-Key": "w"})
    with nothing_happens():
        for key in ("k-1", "w"):
            reply = accept(acme, "DEPOSIT", "alice", "6.00", headers={"Idempotency-Key": key})
            is_problem(reply, 422, "idempotency_key_reused")
    assert Operation.objects.count() == 0


def test_call_item_and_operation_share_a_reference(acme: Api, alice: WalletIdentity) -> None:
    single = acme.deposit("alice", "1.00", referenceId="a")
    item = {"type": "deposit", "walletId": "alice", "amount": "2.00", "referenceId": "b"}
    bulk = acme.post("/transactions/bulk", {"transactions": [item]})
    made = [
        accept(acme, "DEPOSIT", "alice", f"{n}.00", referenceId=r) for n, r in ((1, "a"), (2, "b"))
    ]
    third = accept(acme, "DEPOSIT", "alice", "3.00", referenceId="c")
    assert [reply.status for reply in made] == [202, 202]
    work()
    assert acme.balance("alice") == "6.00"
    assert [shown(acme, reply)["transactionId"] for reply in made] == [
        single.json["transactionId"],
        bulk.json["results"][0]["body"]["transactionId"],
    ]
    with nothing_happens():
        late = acme.deposit("alice", "3.00", referenceId="c")
        again = acme.post(
            "/transactions/bulk", {"transactions": [item | {"amount": "3.00", "referenceId": "c"}]}
        )
    assert late.json["transactionId"] == shown(acme, third)["transactionId"]
    assert again.json["results"][0]["body"] == late.json


def test_a_call_that_comes_before_the_worker_makes_the_movement(
    acme: Api, alice: WalletIdentity
) -> None:
    reply = accept(acme, "DEPOSIT", "alice", "3.00", referenceId="c")
    single = acme.deposit("alice", "3.00", referenceId="c")
    with nothing_happens():
        work()
    found = shown(acme, reply)
    assert (found["status"], found["transactionId"]) == ("COMPLETED", single.json["transactionId"])


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"operationType": "deposit"}, "invalid_field", "operationType"),
        ({"operationType": "TRANSFER"}, "field_required", "destinationWalletId"),
        ({"destinationWalletId": "bob"}, "invalid_field", "destinationWalletId"),
        ({"amount": "1.001"}, "too_many_decimals", "amount"),
        ({"amount": 0}, "amount_not_positive", "amount"),
        ({"walletId": 7}, "wrong_type", "walletId"),
        ({"referenceId": ""}, "invalid_field", "referenceId"),
        ({"extra": 1}, "unknown_field", "extra"),
    ],
)
def test_a_malformed_operation_is_not_accepted(
    acme: Api,
    alice: WalletIdentity,
    bob: WalletIdentity,
    body: dict[str, object],
    code: str,
    field: str,
) -> None:
    good = {"operationType": "DEPOSIT", "walletId": "alice", "amount": "1.00"}
    with nothing_happens():
        is_problem(acme.post("/wallet", good | body, headers=K), 400, code, field)
    assert accept(acme, "DEPOSIT", "alice", "1.00", headers=K).status == 202


def test_wallets_of_others_do_not_exist(
    acme: Api, globex: Api, alice: WalletIdentity, charlie: WalletIdentity
) -> None:
    theirs = accept(globex, "DEPOSIT", "charlie", "1.00")
    own = accept(acme, "DEPOSIT", "alice", "1.00").json["operationId"]
    with nothing_happens():
        is_problem(accept(acme, "DEPOSIT", charlie.id, "1.00"), 404, "wallet_not_found")
        is_problem(
            accept(acme, "TRANSFER", "alice", "1.00", destinationWalletId=str(charlie.id)),
            404,
            "destination_wallet_not_found",
        )
    is_problem(acme.get(theirs.headers["location"], from_root=True), 404, "wallet_not_found")
    for wrong in (theirs.json["operationId"], "nonsense", own[:-1] + "0"):
        is_problem(acme.get(f"/wallets/alice/operations/{wrong}"), 404, "operation_not_found")


def test_a_list_shows_what_was_accepted_last_first(
    acme: Api, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    accept(acme, "DEPOSIT", "bob", "9.00")
    done = [accept(acme, "DEPOSIT", "alice", n).json["operationId"] for n in (1, 2)]
    failed = accept(acme, "WITHDRAW", "alice", "99.00").json["operationId"]
    work()
    waiting = accept(acme, "DEPOSIT", "alice", "3.00").json["operationId"]

    def listed(**query: object) -> list[str]:
        reply = acme.get("/wallets/alice/operations", query=query)
        assert reply.status == 200, str(reply)
        items = reply.json["items"]
        more = reply.json["nextCursor"]
        rest = [] if more is None else listed(**query | {"cursor": more})
        return [item["operationId"] for item in items] + rest

    everything = [waiting, failed, *reversed(done)]
    assert listed() == listed(limit=1) == listed(limit=3) == everything
    assert listed(status="COMPLETED", limit=1) == list(reversed(done))
    assert listed(status="FAILED") == [failed]
    assert listed(status="PENDING") == [waiting]
    assert listed(status="PROCESSING") == []
    item = acme.get("/wallets/alice/operations", query={"status": "FAILED"}).json["items"][0]
    assert item == acme.get(f"/wallets/alice/operations/{failed}").json
    for query, field in (({"status": "DONE"}, "status"), ({"cursor": "x"}, "cursor")):
        reply = acme.get("/wallets/alice/operations", query=query)
        assert (reply.status, reply.json["errors"][0]["field"]) == (400, field)


def test_the_message_names_the_operation_and_tells_no_text(
    acme: Api, alice: WalletIdentity
) -> None:
    reply = accept(acme, "DEPOSIT", "alice", "7.00", description="secret", metadata={"s": "secret"})
    (message,) = messages()
    assert (message.stream, message.client) == (alice.id, alice.client)
    assert str(message.id) == reply.json["operationId"]
    row = OutboxEvent.objects.get(event_id=message.id)
    assert (row.sequence, row.topic.endswith("wallet-operations")) == (None, True)
    assert b"secret" not in message.value
