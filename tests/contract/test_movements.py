"""Deposits, withdrawals and transfers, and how they are told afterwards."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.contract.assertions import TIME, UUID, is_problem, nothing_happens
from tests.http import Api
from tests.people import refusals
from wallets.identity import WalletIdentity
from wallets.models import Wallet, WalletStatus


def test_a_deposit(acme: Api, alice: WalletIdentity) -> None:
    reply = acme.deposit(alice.id, "100.00", referenceId="dep123", description="Initial deposit")
    assert reply.status == 201
    body = reply.json
    assert UUID.fullmatch(body["transactionId"])
    assert TIME.fullmatch(body["createdAt"])
    assert list(body.items()) == [
        ("transactionId", body["transactionId"]),
        ("type", "DEPOSIT"),
        ("walletId", str(alice.id)),
        ("amount", "100.00"),
        ("currency", "USD"),
        ("balance", "100.00"),
        ("version", 2),
        ("referenceId", "dep123"),
        ("description", "Initial deposit"),
        ("createdAt", body["createdAt"]),
    ]
    assert reply.headers["location"] == f"/api/v1/transactions/{body['transactionId']}"
    assert reply.headers["idempotency-key"] == "dep123"
    assert reply.headers["etag"] == '"2"'


def test_a_withdrawal(acme: Api, alice: WalletIdentity) -> None:
    acme.deposit("alice", 100)
    body = acme.withdraw("alice", "50.00").json
    assert (body["type"], body["amount"], body["balance"]) == ("WITHDRAWAL", "50.00", "50.00")
    assert body["referenceId"] is None
    assert body["description"] is None


def test_a_transfer(acme: Api, alice: WalletIdentity, bob: WalletIdentity) -> None:
    acme.deposit("alice", 100)
    reply = acme.transfer("alice", bob.id, "25.00", referenceId="xfer123")
    body = reply.json
    assert (reply.status, body["type"]) == (201, "TRANSFER")
    assert (body["walletId"], body["destinationWalletId"]) == (str(alice.id), str(bob.id))
    assert (body["amount"], body["balance"]) == ("25.00", "75.00")
    assert (acme.balance("alice"), acme.balance("bob")) == ("75.00", "25.00")
    assert acme.transfer("alice", "bob", "1.00").status == 201


@pytest.mark.parametrize("amount", ["10", "10.0", "10.00", 10, 10.0])
def test_ways_to_write_ten_dollars(acme: Api, alice: WalletIdentity, amount: Any) -> None:
    assert acme.deposit("alice", amount).json["amount"] == "10.00"


def test_a_number_is_taken_exactly_as_written(acme: Api, alice: WalletIdentity) -> None:
    body = b'{"amount": 90071992547409.93}'
    assert acme.post("/wallets/alice/deposit", body).json["amount"] == "90071992547409.93"


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("10.000", "too_many_decimals"),
        (1.005, "too_many_decimals"),
        ("0", "amount_not_positive"),
        (-5, "amount_not_positive"),
        ("1e3", "malformed_amount"),
        ("１０", "malformed_amount"),
        (None, "malformed_amount"),
        ("92233720368547758.08", "amount_too_large"),
    ],
)
def test_bad_amounts(
    acme: Api, alice: WalletIdentity, bob: WalletIdentity, amount: Any, code: str
) -> None:
    with nothing_happens():
        for verb in (acme.deposit, acme.withdraw):
            is_problem(verb("alice", amount), 400, code, "amount")
        is_problem(acme.transfer("alice", "bob", amount), 400, code, "amount")


def test_too_little_money(acme: Api, alice: WalletIdentity) -> None:
    acme.deposit("alice", "100.00")
    with nothing_happens():
        reply = is_problem(acme.withdraw("alice", "150.00"), 422, "insufficient_funds")
    told = {name: reply.json[name] for name in ("available", "held", "balance", "shortfall")}
    assert told == {
        "available": "100.00",
        "held": "0.00",
        "balance": "100.00",
        "shortfall": "50.00",
    }
    assert "key" in reply.json["detail"]


def test_a_transfer_that_cannot_be(
    acme: Api, alice: WalletIdentity, bob: WalletIdentity, charlie: WalletIdentity
) -> None:
    acme.deposit("alice", "10.00")
    acme.post("/wallets", {"reference": "euro", "currency": "EUR"})
    with nothing_happens():
        is_problem(acme.transfer("alice", "bob", "10.01"), 422, "insufficient_funds")
        is_problem(acme.transfer("alice", "alice", "1.00"), 422, "same_wallet")
        is_problem(acme.transfer("alice", str(alice.id), "1.00"), 422, "same_wallet")
        is_problem(acme.transfer("alice", "euro", "1.00"), 422, "currency_mismatch")
        unknown = "destination_wallet_not_found"
        for name in (str(charlie.id), "charlie", "nobody", "not a name", ""):
            is_problem(acme.transfer("alice", name, "1.00"), 404, unknown, "destinationWalletId")


def test_a_currency_given_must_be_the_wallets(acme: Api, alice: WalletIdentity) -> None:
    assert acme.deposit("alice", "1.00", currency="USD").status == 201
    with nothing_happens():
        reply = acme.deposit("alice", "1.00", currency="EUR")
        is_problem(reply, 422, "currency_mismatch")


def test_a_balance_that_does_not_fit_the_books(acme: Api, alice: WalletIdentity) -> None:
    assert acme.deposit("alice", "92233720368547758.07").status == 201
    with nothing_happens():
        is_problem(acme.deposit("alice", "0.01"), 422, "balance_too_large")


@pytest.mark.parametrize(
    ("status", "code"),
    [(WalletStatus.FROZEN, "wallet_frozen"), (WalletStatus.CLOSED, "wallet_closed")],
)
def test_frozen_and_closed_wallets(
    acme: Api, alice: WalletIdentity, bob: WalletIdentity, status: str, code: str
) -> None:
    acme.deposit("bob", "5.00")
    Wallet.objects.filter(pk=alice.id).update(status=status)
    with nothing_happens():
        is_problem(acme.deposit("alice", "1.00"), 422, code)
        is_problem(acme.withdraw("alice", "1.00"), 422, code)
        is_problem(acme.transfer("alice", "bob", "1.00"), 422, code)
        is_problem(acme.transfer("bob", "alice", "1.00"), 422, code)


def test_everything_that_may_be_said_of_a_movement(acme: Api, alice: WalletIdentity) -> None:
    made = acme.deposit(
        "alice",
        "7.50",
        currency="USD",
        referenceId="оплата №5",
        description="Grüße",
        metadata={"order": {"id": 5}},
        channel="card",
        valueDate="2024-02-29",
    )
    shown = acme.get(f"/transactions/{made.json['transactionId']}").json
    assert list(shown.items()) == [
        ("transactionId", made.json["transactionId"]),
        ("type", "DEPOSIT"),
        ("amount", "7.50"),
        ("currency", "USD"),
        ("referenceId", "оплата №5"),
        ("description", "Grüße"),
        ("metadata", {"order": {"id": 5}}),
        ("channel", "card"),
        ("valueDate", "2024-02-29"),
        ("createdAt", made.json["createdAt"]),
        ("reverses", None),
        ("corrects", None),
        (
            "postings",
            sorted_postings(
                [
                    {
                        "walletId": str(alice.id),
                        "account": None,
                        "direction": "CREDIT",
                        "amount": "7.50",
                        "balance": "7.50",
                        "postingSequence": 1,
                    },
                    {
                        "walletId": None,
                        "account": "acme:external:card:USD",
                        "direction": "DEBIT",
                        "amount": "7.50",
                        "balance": None,
                        "postingSequence": None,
                    },
                ],
                shown["postings"],
            ),
        ),
    ]


def sorted_postings(expected: list[Any], shown: list[Any]) -> list[Any]:
    """Put the expected legs in the order in which they are shown."""
    return sorted(expected, key=shown.index)


def test_history_is_told_from_the_wallets_side(
    acme: Api, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    acme.deposit("alice", "100.00", referenceId="d", metadata={"a": 1}, description="in")
    acme.transfer("alice", "bob", "25.00")
    acme.withdraw("alice", "5.00")
    items = acme.get("/wallets/alice/transactions").json["items"]
    assert [(i["type"], i["amount"], i["direction"], i["balance"]) for i in items] == [
        ("WITHDRAWAL", "5.00", "DEBIT", "70.00"),
        ("TRANSFER_OUT", "25.00", "DEBIT", "75.00"),
        ("DEPOSIT", "100.00", "CREDIT", "100.00"),
    ]
    assert [i["postingSequence"] for i in items] == [3, 2, 1]
    assert [i["counterpartyWalletId"] for i in items] == [None, str(bob.id), None]
    assert list(items[2]) == [
        "transactionId",
        "type",
        "amount",
        "direction",
        "balance",
        "postingSequence",
        "counterpartyWalletId",
        "currency",
        "referenceId",
        "description",
        "metadata",
        "createdAt",
        "valueDate",
    ]
    other = acme.get("/wallets/bob/transactions").json["items"][0]
    assert (other["type"], other["direction"]) == ("TRANSFER_IN", "CREDIT")
    assert other["counterpartyWalletId"] == str(alice.id)


def test_history_is_paged(acme: Api, alice: WalletIdentity) -> None:
    for _ in range(5):
        acme.deposit("alice", "1.00")
    seen: list[int] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = acme.get("/wallets/alice/transactions", query=query).json
        seen += [item["postingSequence"] for item in page["items"]]
        if page["nextCursor"] is None:
            break
        acme.deposit("alice", "1.00")  # what is new does not shift the pages
        query = {"limit": 2, "cursor": page["nextCursor"]}
    assert seen == [5, 4, 3, 2, 1]


def test_the_balance_now(acme: Api, alice: WalletIdentity) -> None:
    acme.deposit("alice", "12.34")
    body = acme.get("/wallets/alice/balance").json
    assert TIME.fullmatch(body["asOf"])
    assert list(body.items()) == [
        ("walletId", str(alice.id)),
        ("balance", "12.34"),
        ("held", "0.00"),
        ("available", "12.34"),
        ("currency", "USD"),
        ("version", 2),
        ("asOf", body["asOf"]),
        ("stale", False),
    ]


def past(acme: Api, timestamp: str) -> Any:
    return acme.get("/wallets/alice/balance/historical", query={"timestamp": timestamp}).json


def test_the_balance_at_any_moment(acme: Api, alice: WalletIdentity) -> None:
    first = acme.deposit("alice", "10.00").json
    second = acme.deposit("alice", "5.00").json
    at_first = past(acme, first["createdAt"])
    assert list(at_first.items()) == [
        ("walletId", str(alice.id)),
        ("balance", "10.00"),
        ("currency", "USD"),
        ("asOf", first["createdAt"]),
        ("postingSequence", 1),
        ("transactionId", first["transactionId"]),
        ("final", True),
    ]
    at_second = past(acme, second["createdAt"])
    assert (at_second["balance"], at_second["final"]) == ("15.00", False)
    assert past(acme, second["createdAt"].removesuffix("Z")) == at_second
    before = past(acme, "2024-01-01T10:30:00")
    assert before["asOf"] == "2024-01-01T10:30:00.000000Z"
    assert (before["balance"], before["postingSequence"]) == ("0.00", 0)
    assert (before["transactionId"], before["final"]) == (None, True)
    shifted = datetime.fromisoformat(first["createdAt"]).astimezone(UTC).isoformat()
    assert past(acme, shifted)["balance"] == "10.00"


def test_moments_that_have_not_come(acme: Api, alice: WalletIdentity) -> None:
    path = "/wallets/alice/balance/historical"
    future = acme.get(path, query={"timestamp": "2999-01-01T00:00:00Z"})
    is_problem(future, 400, "timestamp_in_future", "timestamp")
    is_problem(acme.get(path), 400, "field_required", "timestamp")
    bad = acme.get(path, query={"timestamp": "tomorrow"})
    is_problem(bad, 400, "invalid_parameter", "timestamp")
    unknown = acme.get(path, query={"timestamp": "2024-01-01T00:00:00Z", "zone": "CET"})
    is_problem(unknown, 400, "invalid_parameter", "zone")


def test_a_client_has_so_many_channels(acme: Api, alice: WalletIdentity, settings: Any) -> None:
    settings.HOUSE_CHANNELS_MAX = 2
    assert acme.deposit("alice", "1.00", channel="one").status == 201
    assert acme.deposit("alice", "1.00", channel="two").status == 201
    with nothing_happens():
        full = acme.deposit("alice", "1.00", channel="three", headers={"Idempotency-Key": "c"})
        is_problem(full, 422, "too_many_channels", "channel")
    assert refusals() == []
    assert (
        acme.deposit("alice", "1.00", channel="one", headers={"Idempotency-Key": "c"}).status == 201
    )


@pytest.mark.parametrize("status", [WalletStatus.FROZEN, WalletStatus.CLOSED])
def test_a_refused_transfer_tells_which_wallet_is_to_blame(
    acme: Api, alice: WalletIdentity, bob: WalletIdentity, status: str
) -> None:
    acme.deposit("alice", "10.00")
    Wallet.objects.filter(pk=bob.id).update(status=status)
    replies = [acme.transfer("alice", "bob", "1.00", referenceId="gift") for _ in range(2)]
    for reply in replies:
        is_problem(reply, 422, f"wallet_{status.lower()}")
        assert reply.json["walletId"] == str(bob.id)


def test_a_crowd_of_first_deposits_by_a_new_rail_is_let_in(
    acme: Api, alice: WalletIdentity
) -> None:
    """Each asked the database for the rail's account, and most were too many for its threads."""
    with ThreadPoolExecutor(150) as pool:
        replies = list(
            pool.map(lambda _: acme.deposit("alice", "1.00", channel="new-rail"), range(300))
        )
    assert {reply.status for reply in replies} == {201}
    assert acme.balance("alice") == "300.00"
