"""Movements are taken back by new entries: whole, in parts, never twice, never from nothing."""

from __future__ import annotations

import json
import threading
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.models import OutboxEvent
from ledger import queries as books
from ledger.models import JournalEntry, Posting
from tests.contract.assertions import UUID, is_problem, nothing_happens
from tests.http import Api, Reply
from tests.people import Company, refusals
from wallet_project.kit.money import format_minor
from wallets import verification
from wallets.identity import WalletIdentity
from wallets.models import Scope
from wallets.operations.create_client import add_key


def reverse(api: Api, movement: Reply, body: Any = None, **more: Any) -> Reply:
    return api.post(f"/transactions/{movement.json['transactionId']}/reverse", body, **more)


def has(api: Api, wallet: str) -> str:
    return str(api.get(f"/wallets/{wallet}/balance").json["balance"])


def last_fact(wallet: WalletIdentity) -> tuple[str, dict[str, Any]]:
    row = OutboxEvent.objects.filter(stream=wallet.id).order_by("id").last()
    assert row is not None
    return row.type, json.loads(bytes(row.payload))


@pytest.fixture(autouse=True)
def sound(acme: Api, alice: WalletIdentity, bob: WalletIdentity) -> Any:
    yield
    assert verification.verify().findings == []


def test_a_deposit_leaves_by_the_rail_it_came_in_by(acme: Api, alice: WalletIdentity) -> None:
    paid = acme.deposit("alice", "100.00", channel="card", referenceId="order-17")
    back = reverse(acme, paid, {"referenceId": "refund-17", "description": "Returned"})
    assert back.status == 201
    body = back.json
    assert UUID.fullmatch(body["transactionId"])
    assert body == {
        "transactionId": body["transactionId"],
        "type": "DEPOSIT_REVERSAL",
        "walletId": str(alice.id),
        "amount": "100.00",
        "currency": "USD",
        "balance": "0.00",
        "version": 3,
        "referenceId": "refund-17",
        "description": "Returned",
        "createdAt": body["createdAt"],
        "counterpartyWalletId": None,
        "reverses": paid.json["transactionId"],
    }
    assert back.headers["location"] == f"/api/v1/transactions/{body['transactionId']}"
    assert back.headers["etag"] == '"3"'

    shown = acme.get(back.headers["location"], from_root=True).json
    assert (shown["reverses"], shown["channel"]) == (paid.json["transactionId"], "card")
    assert [line["account"] for line in shown["postings"]] == [None, "acme:external:card:USD"]
    item = acme.get("/wallets/alice/transactions").json["items"][0]
    assert (item["type"], item["direction"], item["amount"]) == (
        "DEPOSIT_REVERSAL",
        "DEBIT",
        "100.00",
    )
    type_, fact = last_fact(alice)
    assert type_ == "wallet.reversed.v1"
    assert (fact["reverses"], fact["direction"]) == (paid.json["transactionId"], "DEBIT")
    assert (fact["amount"], fact["balance"], fact["sequence"]) == ("100.00", "0.00", 3)
    original = JournalEntry.objects.get(kind="deposit").pk
    assert [str(one) for one in books.reversals_of(original)] == [body["transactionId"]]


def test_a_withdrawal_and_a_capture_come_back(acme: Api, alice: WalletIdentity) -> None:
    acme.deposit("alice", "100.00")
    left = acme.withdraw("alice", "60.00")
    hold = acme.post("/wallets/alice/holds", {"amount": "40.00"})
    taken = acme.post(f"/holds/{hold.json['holdId']}/capture")
    assert has(acme, "alice") == "0.00"
    assert reverse(acme, left).json["type"] == "WITHDRAWAL_REVERSAL"
    bounced = reverse(acme, taken, {"amount": "15.00"})
    assert (bounced.json["type"], bounced.json["balance"]) == ("CAPTURE_REVERSAL", "75.00")
    assert acme.get(f"/holds/{hold.json['holdId']}").json["status"] == "CAPTURED"
    assert last_fact(alice)[1]["direction"] == "CREDIT"


def test_a_transfer_goes_back_to_its_source(
    acme: Api, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    acme.deposit("alice", "100.00")
    sent = acme.transfer("alice", "bob", "70.00")
    back = reverse(acme, sent, {"amount": "20.00"}).json
    assert (back["type"], back["walletId"]) == ("TRANSFER_REVERSAL", str(alice.id))
    assert (back["counterpartyWalletId"], back["balance"]) == (str(bob.id), "50.00")
    assert (has(acme, "alice"), has(acme, "bob")) == ("50.00", "50.00")
    assert last_fact(alice)[1]["direction"] == "CREDIT"
    type_, fact = last_fact(bob)
    assert (type_, fact["direction"], fact["balance"]) == ("wallet.reversed.v1", "DEBIT", "50.00")


def test_parts_add_up_to_the_whole_and_no_further(acme: Api) -> None:
    paid = acme.deposit("alice", "100.00")
    acme.deposit("alice", "500.00")
    assert reverse(acme, paid, {"amount": "30.00"}).status == 201
    assert reverse(acme, paid, {"amount": "69.99"}).status == 201
    with nothing_happens():
        refused = reverse(acme, paid, {"amount": "0.02", "referenceId": "too-much"})
        whole = reverse(acme, paid)
    assert is_problem(refused, 422, "reversal_too_large").json["left"] == "0.01"
    is_problem(whole, 422, "reversal_too_large")
    assert refusals() == ["reversal_too_large"] * 2
    assert reverse(acme, paid, {"amount": "0.01"}).status == 201
    # Final for its key, also now.
    again = reverse(acme, paid, {"amount": "0.02", "referenceId": "too-much"})
    assert again.headers["idempotent-replayed"] == "true"


def test_a_repeat_pays_back_once(acme: Api) -> None:
    paid = acme.deposit("alice", "100.00")
    first = reverse(acme, paid, {"amount": "40.00", "referenceId": "refund"})
    with nothing_happens():
        second = reverse(acme, paid, {"amount": "40", "referenceId": "refund"})
        other = reverse(acme, paid, {"amount": "41", "referenceId": "refund"})
    assert second.body == first.body
    assert second.headers["idempotent-replayed"] == "true"
    is_problem(other, 422, "idempotency_key_reused")


def test_one_reference_may_stand_for_refunds_of_two_movements(acme: Api) -> None:
    both = [acme.deposit("alice", "10.00"), acme.deposit("alice", "10.00")]
    assert [reverse(acme, one, {"referenceId": "r"}).status for one in both] == [201, 201]
    assert has(acme, "alice") == "0.00"


def test_money_that_is_spent_does_not_come_back(acme: Api) -> None:
    paid = acme.deposit("alice", "100.00")
    sent = acme.transfer("alice", "bob", "80.00")
    acme.withdraw("bob", "50.00")
    with nothing_happens():
        spent = reverse(acme, paid)
        passed_on = reverse(acme, sent)
    assert is_problem(spent, 422, "insufficient_funds").json["available"] == "20.00"
    assert is_problem(passed_on, 422, "insufficient_funds").json["shortfall"] == "50.00"


def test_frozen_and_closed_wallets_stay_as_they_are(acme: Api) -> None:
    paid = acme.deposit("alice", "100.00")
    acme.post("/wallets/alice/freeze")
    with nothing_happens():
        is_problem(reverse(acme, paid), 422, "wallet_frozen")
    acme.post("/wallets/alice/unfreeze")
    acme.withdraw("alice", "100.00")
    acme.post("/wallets/alice/close")
    with nothing_happens():
        is_problem(reverse(acme, paid), 422, "wallet_closed")


def test_a_reversal_is_final(acme: Api) -> None:
    back = reverse(acme, acme.deposit("alice", "100.00"))
    with nothing_happens():
        is_problem(reverse(acme, back), 422, "not_reversible")


def test_what_is_not_theirs_does_not_exist(acme: Api, globex: Api, charlie: WalletIdentity) -> None:
    theirs = globex.deposit("charlie", "100.00")
    with nothing_happens():
        for unknown in (theirs.json["transactionId"], str(uuid4()), "nonsense"):
            reply = acme.post(f"/transactions/{unknown}/reverse")
            is_problem(reply, 404, "transaction_not_found", "transactionId")


def test_what_cannot_be(acme: Api, client_acme: Company) -> None:
    paid = acme.deposit("alice", "100.00")
    reader = Api(add_key(name="acme", scopes=[Scope.TRANSACTIONS_READ]).key)
    amounts: list[Any] = ["0", "-1", "1.001", "1e2", True, [], {}, None]
    bodies: list[Any] = [{"amount": "1", "channel": "card"}, {"walletId": "bob"}, []]
    with nothing_happens():
        for amount in amounts:
            assert reverse(acme, paid, {"amount": amount}).status == 400
        for body in bodies:
            assert reverse(acme, paid, body).status == 400
        assert reverse(acme, paid, {"currency": "EUR"}).status == 422
        assert reverse(reader, paid).status == 403


def test_many_who_reverse_one_movement_at_once_take_back_no_more_than_it_was(acme: Api) -> None:
    paid = acme.deposit("alice", "100.00")
    acme.deposit("alice", "900.00")
    answers: list[int] = []
    start = threading.Barrier(8)

    def ask() -> None:
        start.wait()
        answers.append(reverse(acme, paid, {"amount": "30.00"}).status)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201] * 3 + [422] * 5
    assert has(acme, "alice") == "910.00"


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["deposit", "withdraw", "transfer", "reverse"]),
            st.integers(1, 3_000),
            st.integers(0, 5),
        ),
        max_size=14,
    )
)
def test_no_mix_of_movements_and_reversals_takes_back_too_much(
    acme: Api, acts: list[tuple[str, int, int]]
) -> None:
    made: list[Reply] = []
    for act, amount, which in acts:
        money = format_minor(amount, "USD")
        if act == "reverse":
            if made:
                reverse(acme, made[which % len(made)], {"amount": money})
            continue
        other = {"destinationWalletId": "bob"} if act == "transfer" else {}
        reply = acme.post(f"/wallets/alice/{act}", {"amount": money} | other)
        if reply.status == 201:
            made.append(reply)
    for entry in JournalEntry.objects.filter(reverses=None):
        taken = books.reversed_so_far([entry.pk]).get(entry.pk, 0)
        assert taken <= max(Posting.objects.filter(entry=entry).values_list("amount", flat=True))
    totals = acme.get("/trial-balance").json["currencies"]
    assert {one["difference"] for one in totals} <= {"0.00"}
