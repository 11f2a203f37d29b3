"""A definite 4xx had no effect: no entry, no posting, no event, no key burnt.

Only a refusal by the wallet's own state (422) is kept, and that is all it leaves.
"""

from __future__ import annotations

from typing import Any

import pytest

from events.models import OutboxEvent
from ledger.models import Account, JournalEntry, Posting
from tests.http import Api
from tests.people import refusals
from wallets import verification
from wallets.identity import WalletIdentity
from wallets.models import Refusal, Wallet

KEY = {"Idempotency-Key": "ghost"}
DEPOSIT, WITHDRAW, TRANSFER = (
    f"/wallets/alice/{verb}" for verb in ("deposit", "withdraw", "transfer")
)
ITEM = {"type": "deposit", "walletId": "alice", "amount": "1.00", "referenceId": "r"}

Case = tuple[str, str, Any, dict[str, str], int]

TURNED_AWAY: dict[str, Case] = {
    "no json": ("POST", DEPOSIT, b"{", KEY, 400),
    "empty body": ("POST", DEPOSIT, b"", KEY, 400),
    "an array": ("POST", DEPOSIT, [1], KEY, 400),
    "a field twice": ("POST", DEPOSIT, b'{"amount":"1.00","amount":"2.00"}', KEY, 400),
    "not utf-8": ("POST", DEPOSIT, b'{"amount":"1.00","description":"\xff"}', KEY, 400),
    "unknown field": ("POST", DEPOSIT, {"amount": "1.00", "x": 1}, KEY, 400),
    "no amount": ("POST", DEPOSIT, {}, KEY, 400),
    "null": ("POST", DEPOSIT, {"amount": None}, KEY, 400),
    "zero": ("POST", DEPOSIT, {"amount": "0.00"}, KEY, 400),
    "negative": ("POST", WITHDRAW, {"amount": "-1.00"}, KEY, 400),
    "too many decimals": ("POST", DEPOSIT, {"amount": "1.000"}, KEY, 400),
    "exponent": ("POST", DEPOSIT, b'{"amount":1e2}', KEY, 400),
    "beyond BIGINT": ("POST", DEPOSIT, {"amount": "92233720368547758.08"}, KEY, 400),
    "long description": ("POST", DEPOSIT, {"amount": "1", "description": "x" * 256}, KEY, 400),
    "bad channel": ("POST", DEPOSIT, {"amount": "1", "channel": "A B"}, KEY, 400),
    "bad currency": ("POST", DEPOSIT, {"amount": "1", "currency": "XXX1"}, KEY, 400),
    "bad metadata": ("POST", DEPOSIT, {"amount": "1", "metadata": [1]}, KEY, 400),
    "bad key": ("POST", DEPOSIT, {"amount": "1"}, {"Idempotency-Key": "x" * 256}, 400),
    "no destination": ("POST", TRANSFER, {"amount": "1.00"}, KEY, 400),
    "no credential": ("POST", DEPOSIT, {"amount": "1.00"}, KEY | {"Authorization": "x"}, 401),
    "wrong key": ("POST", DEPOSIT, {"amount": "1"}, KEY | {"Authorization": "Bearer a.b"}, 401),
    "unknown wallet": ("POST", "/wallets/nobody/deposit", {"amount": "1.00"}, KEY, 404),
    "another's wallet": ("POST", "/wallets/charlie/withdraw", {"amount": "1.00"}, KEY, 404),
    "another's destination": (
        "POST",
        TRANSFER,
        {"amount": "1.00", "destinationWalletId": "charlie"},
        KEY,
        404,
    ),
    "unknown path": ("POST", "/wallets/alice/steal", {"amount": "1.00"}, KEY, 404),
    "wrong method": ("PUT", DEPOSIT, {"amount": "1.00"}, KEY, 405),
    "reference taken": ("POST", "/wallets", {"reference": "alice"}, KEY, 409),
    "old version": (
        "PATCH",
        "/wallets/alice",
        {"metadata": {"a": 1}},
        {"If-Match": '"99"'},
        412,
    ),
    "freeze of an old version": (
        "POST",
        "/wallets/alice/freeze",
        {},
        {"If-Match": '"99"'},
        412,
    ),
    "too large": ("POST", DEPOSIT, b" " * 70_000, KEY, 413),
    "other media type": (
        "POST",
        DEPOSIT,
        {"amount": "1.00"},
        KEY | {"Content-Type": "text/plain"},
        415,
    ),
    "bad reference": ("POST", "/wallets", {"reference": "a b"}, KEY, 400),
    "no such currency": ("POST", "/wallets", {"currency": "ZZZ"}, KEY, 400),
    "key used otherwise": ("POST", DEPOSIT, {"amount": "9"}, {"Idempotency-Key": "used"}, 422),
    "bulk of nothing": ("POST", "/transactions/bulk", {"transactions": []}, {}, 400),
    "bulk with a header": ("POST", "/transactions/bulk", {"transactions": [ITEM]}, KEY, 400),
    "bulk without a reference": (
        "POST",
        "/transactions/bulk",
        {"transactions": [{k: v for k, v in ITEM.items() if k != "referenceId"}], "atomic": True},
        {},
        400,
    ),
    "closing with money": ("POST", "/wallets/alice/close", {}, {}, 422),
}

REFUSED: dict[str, tuple[str, Any]] = {
    "insufficient_funds": (WITHDRAW, {"amount": "500.00"}),
    "same_wallet": (TRANSFER, {"amount": "1.00", "destinationWalletId": "alice"}),
    "currency_mismatch": (DEPOSIT, {"amount": "1.00", "currency": "EUR"}),
    "wallet_frozen": ("/wallets/frozen/deposit", {"amount": "1.00"}),
    "wallet_closed": ("/wallets/closed/deposit", {"amount": "1.00"}),
    "balance_too_large": (DEPOSIT, {"amount": "92233720368547758.07"}),
}


@pytest.fixture(autouse=True)
def people(acme: Api, alice: WalletIdentity, bob: WalletIdentity, charlie: WalletIdentity) -> None:
    acme.deposit("alice", "100.00", headers={"Idempotency-Key": "used"})
    for name, verb in (("frozen", "freeze"), ("closed", "close")):
        assert acme.post("/wallets", {"reference": name}).status == 201
        assert acme.post(f"/wallets/{name}/{verb}", {}).status == 200


def everything() -> dict[str, list[Any]]:
    """Every row of every table that an act may write."""
    models = (Wallet, Account, JournalEntry, Posting, OutboxEvent)
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in models}


@pytest.mark.parametrize("name", TURNED_AWAY)
def test_what_is_turned_away_leaves_nothing_at_all(acme: Api, name: str) -> None:
    method, path, body, headers, status = TURNED_AWAY[name]
    before = everything()

    reply = acme.call(method, path, body, headers=headers)

    assert reply.status == status, str(reply)
    assert everything() == before
    assert not Refusal.objects.exists()
    if "Idempotency-Key" in headers and headers["Idempotency-Key"] == "ghost":
        # The key is still free.
        again = acme.deposit("alice", "1.00", headers=KEY)
        assert (again.status, "idempotent-replayed" in again.headers) == (201, False)


@pytest.mark.parametrize("code", REFUSED)
def test_a_refusal_leaves_itself_and_nothing_else(acme: Api, code: str) -> None:
    path, body = REFUSED[code]
    before = everything()

    reply = acme.post(path, body, headers=KEY)

    assert (reply.status, reply.json["code"]) == (422, code), str(reply)
    assert everything() == before
    assert refusals() == [code]
    assert verification.verify().findings == []


def test_a_list_that_fails_together_leaves_its_refusals_alone(acme: Api) -> None:
    poor = ITEM | {"type": "withdraw", "amount": "500.00", "referenceId": "poor"}
    before = everything()

    reply = acme.post("/transactions/bulk", {"transactions": [ITEM, poor], "atomic": True})

    assert (reply.status, reply.json["code"]) == (422, "insufficient_funds")
    assert everything() == before
    assert refusals() == ["insufficient_funds"] * 2
