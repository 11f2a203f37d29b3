"""The trial balance: a client's own books, summed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connections

from tests.contract.assertions import TIME, is_problem
from tests.http import Api
from tests.people import asks
from wallets.identity import WalletIdentity
from wallets.models import Wallet
from wallets.operations.deposit import deposit
from wallets.trial_balance import trial_balance


def line(code: str, currency: str, balance: str) -> dict[str, str]:
    return {"code": code, "currency": currency, "balance": balance}


def totals(currency: str, side: str, nothing: str = "0.00") -> dict[str, str]:
    return {"currency": currency, "debit": side, "credit": side, "difference": nothing}


def test_empty_books(acme: Api) -> None:
    reply = acme.get("/trial-balance")
    assert reply.status == 200
    assert TIME.fullmatch(reply.json["asOf"])
    assert list(reply.json.items())[1:] == [("currencies", []), ("accounts", [])]


def test_every_account_of_the_callers_books_and_nobody_elses(
    acme: Api, globex: Api, alice: WalletIdentity, bob: WalletIdentity, charlie: WalletIdentity
) -> None:
    acme.post("/wallets", {"reference": "yen", "currency": "JPY"})
    acme.deposit("alice", "100.00", channel="card")
    acme.deposit("bob", "50.00")
    acme.transfer("alice", "bob", "25.00")
    acme.withdraw("bob", "10.00", channel="card")
    acme.deposit("yen", 500)
    globex.deposit("charlie", "7.00")
    found = acme.get("/trial-balance").json
    assert found["currencies"] == [totals("JPY", "500", "0"), totals("USD", "140.00")]
    assert found["accounts"] == [
        line("wallets:JPY", "JPY", "500"),
        line("acme:external:default:JPY", "JPY", "-500"),
        line("wallets:USD", "USD", "140.00"),
        line("acme:external:card:USD", "USD", "-90.00"),
        line("acme:external:default:USD", "USD", "-50.00"),
    ]
    assert globex.get("/trial-balance").json["accounts"] == [
        line("wallets:USD", "USD", "7.00"),
        line("globex:external:default:USD", "USD", "-7.00"),
    ]


def test_an_overdrawn_wallet_is_a_debit(acme: Api, alice: WalletIdentity) -> None:
    Wallet.objects.filter(pk=alice.id).update(overdraft_limit=1000)
    acme.withdraw("alice", "10.00")
    found = acme.get("/trial-balance").json
    assert found["currencies"] == [totals("USD", "10.00")]
    assert found["accounts"][0] == line("wallets:USD", "USD", "-10.00")


def test_past_moments_include_what_was_posted_at_them(acme: Api, alice: WalletIdentity) -> None:
    first = acme.deposit("alice", "1.00").json["createdAt"]
    second = acme.deposit("alice", "2.00").json["createdAt"]

    def balance(moment: Any) -> list[str]:
        found = acme.get("/trial-balance", query={"asOf": moment}).json
        return [one["balance"] for one in found["accounts"]]

    just_before = (datetime.fromisoformat(first) - timedelta(microseconds=1)).isoformat()
    assert balance(just_before) == []
    assert balance(first) == ["1.00", "-1.00"]
    assert balance(second) == ["3.00", "-3.00"]
    assert acme.get("/trial-balance", query={"asOf": first}).json["asOf"] == first


def test_parameters_and_scope(acme: Api, reader: Api) -> None:
    future = datetime.now(UTC) + timedelta(minutes=1)
    reply = acme.get("/trial-balance", query={"asOf": future.isoformat()})
    is_problem(reply, 400, "timestamp_in_future", "asOf")
    reply = acme.get("/trial-balance", query={"asOf": "yesterday"})
    is_problem(reply, 400, "invalid_parameter", "asOf")
    reply = acme.get("/trial-balance", query={"timestamp": "2026-01-01T00:00:00Z"})
    is_problem(reply, 400, "invalid_parameter", "timestamp")
    is_problem(reader.get("/trial-balance"), 403, "scope_missing")


def test_it_balances_while_money_comes_in(alice: WalletIdentity) -> None:
    def acts(number: int) -> None:
        try:
            if number % 2:
                deposit(wallet=alice, request=asks(100, wallet=alice))
            else:
                found = trial_balance(alice.client, None)
                assert all(one.credit == one.debit for one in found.currencies)
                assert sum(one.balance for one in found.accounts) == 0
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(acts, range(60)))
    assert trial_balance(alice.client, None).accounts[0].balance == 3000
