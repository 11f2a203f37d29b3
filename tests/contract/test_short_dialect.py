"""The short dialect: wallets by name, numbers as amounts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.assertions import UUID, nothing_happens
from tests.contract.short import Short, fails
from tests.http import Api
from tests.people import refusals, wallet_of
from wallets import verification
from wallets.identity import WalletIdentity


class TestMovements:
    """Deposit, withdraw, transfer, balance."""

    def test_the_first_deposit_makes_the_wallet(self, short: Short) -> None:
        reply = short.deposit("user-123", 100, "req-001")

        assert reply.status == 201
        assert reply.body == b'{"walletId":"user-123","balance":100}'
        assert reply.headers["x-request-id"] == "req-001"
        assert reply.headers["idempotency-key"] == "req-001"
        assert reply.headers["etag"] == '"2"'
        assert short.get("user-123").body == reply.body

    def test_withdraw(self, short: Short) -> None:
        short.deposit("alice", 100)
        reply = short.withdraw("alice", 50)
        assert (reply.status, reply.body) == (201, b'{"walletId":"alice","balance":50}')

    def test_transfer_makes_the_other_wallet(self, short: Short, acme: Api) -> None:
        short.deposit("alice", 100)

        reply = short.transfer("alice", "bob", 30.5)

        body = reply.json
        assert reply.status == 201
        assert list(body) == ["sagaId", "state", "fromWalletId", "toWalletId", "amount"]
        assert UUID.fullmatch(body["sagaId"])
        assert body | {"sagaId": ""} == {
            "sagaId": "",
            "state": "COMPLETED",
            "fromWalletId": "alice",
            "toWalletId": "bob",
            "amount": 30.5,
        }
        assert (short.balance("alice"), short.balance("bob")) == ("69.5", "30.5")
        entry = acme.get(f"/transactions/{body['sagaId']}").json
        assert (entry["type"], entry["amount"]) == ("TRANSFER", "30.50")

    def test_the_wallet_is_the_one_of_the_other_routes(self, short: Short, acme: Api) -> None:
        short.deposit("alice", 100, "req-001")

        wallet = acme.get("/wallets/alice").json

        assert (wallet["reference"], wallet["balance"], wallet["currency"]) == (
            "alice",
            "100.00",
            "USD",
        )
        by_id = short.deposit(wallet["id"], 1)
        assert by_id.json == {"walletId": wallet["id"], "balance": 101}
        assert short.transfer(wallet["id"], "bob", 1).json["fromWalletId"] == wallet["id"]
        (first, *_) = acme.get("/wallets/alice/transactions").json["items"][::-1]
        assert (first["referenceId"], first["amount"]) == ("req-001", "100.00")
        assert verification.verify().findings == []

    def test_a_wallet_keeps_its_currency(self, short: Short, client_acme: Any) -> None:
        for name, currency in (("yen", "JPY"), ("dinar", "KWD")):
            wallet_of(client_acme, name, currency=currency)
        assert short.deposit("yen", 100).json["balance"] == 100
        fails(short.deposit("yen", 1.5), 400, "ValidationError", about="decimals")
        assert short.deposit("dinar", 1.125).body.endswith(b'"balance":1.125}')
        fails(short.transfer("yen", "new", 1), 422, "CurrencyMismatchError")
        fails(short.get("new"), 404, "WalletNotFoundError")

    def test_another_client_has_names_of_its_own(self, short: Short, globex: Api) -> None:
        short.deposit("alice", 100)
        other = Short(replace(globex, base=short.api.base))
        fails(other.get("alice"), 404, "WalletNotFoundError")
        fails(other.withdraw("alice", 1), 404, "WalletNotFoundError")
        assert other.deposit("alice", 7).json["balance"] == 7
        assert short.balance("alice") == "100"


class TestNoWalletIsMade:
    """By what does not credit one."""

    def test_by_reads_and_withdrawals(self, short: Short) -> None:
        with nothing_happens():
            for reply in (
                short.get("nobody"),
                short.get("nobody/history"),
                short.withdraw("nobody", 1),
                short.transfer("nobody", "alice", 1),
                short.transfer("nobody", "nobody", 1),
                short.get("not a name"),
                short.withdraw("-", 1),
            ):
                fails(reply, 404, "WalletNotFoundError")
        assert refusals() == []

    def test_by_refused_and_malformed_commands(self, short: Short) -> None:
        short.deposit("alice", 10)
        with nothing_happens():
            fails(short.transfer("alice", "bob", 10.01), 422, "InsufficientFundsError")
            fails(short.transfer("alice", "bob", 0), 400, "ValidationError")
            fails(short.deposit("bob", "x"), 400, "ValidationError")
            fails(short.get("bob"), 404, "WalletNotFoundError")

    @pytest.mark.parametrize("name", ["-x", "a%20b", "%C3%A4", "x" * 65, "a%00"])
    def test_under_a_name_that_cannot_be(self, short: Short, name: str) -> None:
        short.deposit("alice", 10)
        with nothing_happens():
            fails(short.deposit(name, 1), 400, "ValidationError", about="walletId")
        with nothing_happens():
            fails(short.transfer("alice", "a b", 1), 400, "ValidationError", about="toWalletId")

    def test_under_the_shape_of_an_id(self, short: Short) -> None:
        unknown = "01932f4e-7c1a-7b2e-9d54-0a6f5f1c2b3d"
        short.deposit("alice", 10)
        with nothing_happens():
            fails(short.deposit(unknown, 1), 404, "WalletNotFoundError")
            fails(short.transfer("alice", unknown, 1), 404, "WalletNotFoundError")


class TestAmounts:
    """Digits in, digits out, no float in between."""

    @pytest.mark.parametrize(
        ("sent", "told"),
        [
            (b"100", "100"),
            (b"100.0", "100"),
            (b"100.00", "100"),
            (b"99.50", "99.5"),
            (b"0.01", "0.01"),
            (b"0.1", "0.1"),
            (b"20", "20"),
            (b"92233720368547758.07", "92233720368547758.07"),
            (b"9007199254740993", "9007199254740993"),
        ],
    )
    def test_shortest_exact_form(self, short: Short, sent: bytes, told: str) -> None:
        reply = short.send("alice", "deposit", b'{"amount": ' + sent + b"}")
        assert reply.body == f'{{"walletId":"alice","balance":{told}}}'.encode()
        assert short.balance("alice") == told
        assert f'"amount":{told},'.encode() in short.get("alice/history").body
        moved = short.send("alice", "transfer", b'{"toWalletId": "bob", "amount": ' + sent + b"}")
        assert moved.body.endswith(f'"amount":{told}}}'.encode())
        assert short.balance("alice") == "0"

    @pytest.mark.parametrize(
        "amount",
        [
            *(b'"100"', b"0", b"-1", b"1e2", b"1.005", b"1.000", b"true", b"null", b"[1]", b"{}"),
            *(b"92233720368547758.08", b"9" * 60, b"NaN", b"01", b"1.", b".5", b"+1", b""),
        ],
    )
    def test_what_is_no_amount(self, short: Short, amount: bytes) -> None:
        short.deposit("alice", 10)
        with nothing_happens():
            for verb in ("deposit", "withdraw"):
                reply = short.send("alice", verb, b'{"amount": ' + amount + b"}", "k")
                fails(reply, 400, "ValidationError")
                assert reply.headers["idempotency-key"] == "k"
        assert refusals() == []

    def test_a_balance_that_the_books_cannot_hold(self, short: Short) -> None:
        short.send("alice", "deposit", b'{"amount": 92233720368547758.07}')
        fails(short.deposit("alice", 0.01), 422, "BalanceLimitError")


def test_a_wallet_of_the_other_routes(acme: Api, alice: WalletIdentity) -> None:
    short = Short(replace(acme, base="/v1/wallet"))
    assert short.get("alice").json == {"walletId": "alice", "balance": 0}
    (created,) = short.get("alice/history").json
    assert (created["id"], created["eventType"]) == (1, "WALLET_CREATED")
