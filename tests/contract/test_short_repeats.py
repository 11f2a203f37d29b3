"""A repeat in the short dialect is harmless, also of the call that made the wallet."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.db import connections

from tests.contract.assertions import UUID, nothing_happens
from tests.contract.short import Short, fails
from tests.http import Api, Reply
from wallets.models import Wallet


class TestRepeats:
    """The same request twice."""

    def test_a_repeat_of_the_call_that_made_the_wallet(self, short: Short) -> None:
        first = short.deposit("alice", 100, "duplicate-test")
        short.deposit("alice", 5)
        with nothing_happens():
            again = short.deposit("alice", 100, "duplicate-test")
        assert (again.status, again.body) == (201, first.body)
        assert again.headers["idempotent-replayed"] == "true"
        assert "idempotent-replayed" not in first.headers
        assert short.balance("alice") == "105"

    def test_a_repeat_of_the_transfer_that_made_the_wallet(self, short: Short) -> None:
        short.deposit("alice", 100)
        first = short.transfer("alice", "bob", 40, "t")
        with nothing_happens():
            again = short.transfer("alice", "bob", 40, "t")
        assert (again.status, again.body) == (201, first.body)
        assert again.headers["idempotent-replayed"] == "true"

    def test_a_repeat_by_id_is_the_same_command(self, short: Short, acme: Api) -> None:
        short.deposit("alice", 100, "k")
        wallet_id = acme.get("/wallets/alice").json["id"]
        again = short.deposit(wallet_id, 100, "k")
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json == {"walletId": wallet_id, "balance": 100}

    def test_the_bases_are_one(self, acme: Api) -> None:
        versioned, bare = (Short(replace(acme, base=base)) for base in ("/v1/wallet", "/wallet"))
        first = versioned.deposit("alice", 100, "k")
        assert bare.deposit("alice", 100, "k").body == first.body
        assert bare.balance("alice") == "100"

    def test_which_name_is_the_key(self, short: Short) -> None:
        def send(**headers: str) -> Reply:
            body = {"amount": 1, "referenceId": "body"}
            renamed = {name.replace("_", "-"): value for name, value in headers.items()}
            return short.send("alice", "deposit", body, headers=renamed)

        both = send(Idempotency_Key="own", X_Request_ID="req")
        assert (both.headers["idempotency-key"], both.headers["x-request-id"]) == ("own", "req")
        assert send(X_Request_ID="req").headers["idempotency-key"] == "req"
        assert send().headers["idempotency-key"] == "body"
        made = short.deposit("alice", 1).headers["idempotency-key"]
        assert UUID.fullmatch(made)
        assert short.balance("alice") == "4"
        with nothing_happens():
            # A key is one key, whichever header brings it.
            for repeat in (
                send(Idempotency_Key="req"),
                send(X_Request_ID="own"),
                send(),
                short.deposit("alice", 1, made),
            ):
                assert repeat.headers["idempotent-replayed"] == "true"

    def test_a_key_need_not_be_a_request_id(self, short: Short) -> None:
        reply = short.deposit("alice", 1, "order 7/2")
        assert reply.headers["idempotency-key"] == "order 7/2"
        assert UUID.fullmatch(reply.headers["x-request-id"])

    @pytest.mark.parametrize("key", ["", "x" * 256, "kéy"])
    def test_bad_keys(self, short: Short, key: str) -> None:
        with nothing_happens():
            reply = short.deposit("alice", 1, key)
            fails(reply, 400, "ValidationError", about="X-Request-ID")

    def test_reads_take_any_request_id(self, short: Short) -> None:
        short.deposit("alice", 1)
        assert short.get("alice", headers={"X-Request-ID": ""}).status == 200

    def test_a_key_of_another_command(self, short: Short, acme: Api) -> None:
        short.deposit("alice", 100, "k")
        with nothing_happens():
            for reply in (
                short.deposit("alice", 101, "k"),
                short.deposit("bob", 100, "k"),
                short.withdraw("alice", 100, "k"),
                short.transfer("alice", "bob", 100, "k"),
            ):
                fails(reply, 409, "DuplicateRequestError")
                assert reply.headers["idempotency-key"] == "k"
            elsewhere = acme.deposit("alice", "100.00", headers={"Idempotency-Key": "k"})
            assert (elsewhere.status, elsewhere.json["code"]) == (422, "idempotency_key_reused")

    def test_a_refusal_is_final_for_its_key(self, short: Short) -> None:
        short.deposit("alice", 10)
        first = fails(short.transfer("alice", "bob", 11, "k"), 422, "InsufficientFundsError")
        short.deposit("alice", 100)
        short.deposit("bob", 1)
        with nothing_happens():
            again = fails(short.transfer("alice", "bob", 11, "k"), 422, "InsufficientFundsError")
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json["message"] == first.json["message"]
        assert short.transfer("alice", "bob", 11, "k2").status == 201

    def test_a_reference_is_unique_within_verb_and_name(self, short: Short) -> None:
        def deposit(name: str, verb: str = "deposit") -> Reply:
            return short.send(name, verb, {"amount": 1, "referenceId": "r"})

        first = deposit("alice")
        assert deposit("alice").body == first.body
        assert [deposit("bob").status, deposit("alice", "withdraw").status] == [201, 201]
        assert (short.balance("alice"), short.balance("bob")) == ("0", "1")

    def test_first_deposits_at_once_make_one_wallet(self, short: Short) -> None:
        def deposit(number: int) -> Reply:
            try:
                return short.deposit("alice", 1, f"req-{number // 2}")
            finally:
                connections.close_all()

        with ThreadPoolExecutor(20) as pool:
            replies = list(pool.map(deposit, range(40)))

        assert {reply.status for reply in replies} == {201}
        assert sum("idempotent-replayed" in reply.headers for reply in replies) == 20
        assert short.balance("alice") == "20"
        assert Wallet.objects.count() == 1
