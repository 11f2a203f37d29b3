"""A repeat is harmless and tells the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import OperationalError, connections

from tests.contract.assertions import UUID, is_problem, nothing_happens
from tests.http import Api, Reply
from tests.people import refusals
from wallet_project.kit.queue_errors import OutcomeUnknown, QueueFull
from wallets.identity import WalletIdentity
from wallets.operations import group_commit

K = {"Idempotency-Key": "k-1"}


def test_a_repeat_by_header_is_equal_byte_for_byte(acme: Api, alice: WalletIdentity) -> None:
    first = acme.deposit("alice", "100.00", headers=K, description="x")
    acme.deposit("alice", "1.00")
    with nothing_happens():
        for amount in ("100", "100.0", "100.00"):
            again = acme.deposit(alice.id, amount, headers=K, description="x")
            assert (again.status, again.body) == (201, first.body)
            assert again.headers["idempotent-replayed"] == "true"
            assert again.headers["idempotency-key"] == "k-1"
            assert again.headers["location"] == first.headers["location"]
            assert again.headers["etag"] == first.headers["etag"]
    assert "idempotent-replayed" not in first.headers


def test_quotes_around_a_key_are_not_part_of_it(acme: Api, alice: WalletIdentity) -> None:
    first = acme.deposit("alice", "1.00", headers=K)
    again = acme.deposit("alice", "1.00", headers={"Idempotency-Key": '"k-1"'})
    assert again.body == first.body


def test_a_repeat_by_reference(acme: Api, alice: WalletIdentity, bob: WalletIdentity) -> None:
    first = acme.deposit("alice", "5.00", referenceId="r")
    again = acme.deposit(alice.id, 5, referenceId="r")
    assert again.body == first.body
    # Another verb, another wallet, another spelling: another command.
    others = [
        acme.withdraw("alice", "5.00", referenceId="r"),
        acme.deposit("bob", "5.00", referenceId="r"),
        acme.deposit("alice", "5.00", referenceId="R"),
    ]
    assert [reply.status for reply in others] == [201, 201, 201]
    assert len({reply.json["transactionId"] for reply in [first, *others]}) == 4


def test_a_reference_beside_a_header_is_only_a_label(acme: Api, alice: WalletIdentity) -> None:
    one = acme.deposit("alice", "5.00", referenceId="r", headers={"Idempotency-Key": "a"})
    two = acme.deposit("alice", "5.00", referenceId="r", headers={"Idempotency-Key": "b"})
    assert one.json["transactionId"] != two.json["transactionId"]
    assert acme.balance("alice") == "10.00"


def test_without_a_key_one_is_made_and_can_be_used(acme: Api, alice: WalletIdentity) -> None:
    first = acme.deposit("alice", "5.00")
    key = first.headers["idempotency-key"]
    assert UUID.fullmatch(key)
    again = acme.deposit("alice", "5.00", headers={"Idempotency-Key": key})
    assert again.body == first.body
    assert acme.deposit("alice", "5.00").json["transactionId"] != first.json["transactionId"]


def test_keys_are_compared_by_bytes(acme: Api, alice: WalletIdentity) -> None:
    for key in ("Key-A", "key-a", "key-a.", "key-A"):
        assert acme.deposit("alice", "1.00", headers={"Idempotency-Key": key}).status == 201
    assert acme.balance("alice") == "4.00"


def test_a_key_belongs_to_its_client(
    acme: Api, globex: Api, alice: WalletIdentity, charlie: WalletIdentity
) -> None:
    first = acme.deposit("alice", "1.00", headers=K)
    other = globex.deposit("charlie", "1.00", headers=K)
    assert other.status == 201
    assert other.json["transactionId"] != first.json["transactionId"]


def test_another_command_under_a_used_key(
    acme: Api, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    acme.deposit("alice", "10.00", headers=K)
    with nothing_happens():
        for reply in (
            acme.deposit("alice", "10.01", headers=K),
            acme.deposit("alice", "10.00", headers=K, description="x"),
            acme.deposit("alice", "10.00", headers=K, referenceId="x"),
            acme.deposit("bob", "10.00", headers=K),
            acme.withdraw("alice", "10.00", headers=K),
            acme.transfer("alice", "bob", "10.00", headers=K),
            acme.post("/wallets", {}, headers=K),
        ):
            is_problem(reply, 422, "idempotency_key_reused")
            assert reply.headers["idempotency-key"] == "k-1"


def _same_refusal(first: Reply, again: Reply) -> None:
    # When it was asked and under which request id differ; what was decided does not.
    own = {"timestamp", "requestId"}
    bodies = [{k: v for k, v in r.json.items() if k not in own} for r in (first, again)]
    assert bodies[0] == bodies[1]
    assert first.status == again.status


def test_a_refusal_is_final_for_its_key(acme: Api, alice: WalletIdentity) -> None:
    first = is_problem(acme.withdraw("alice", "5.00", headers=K), 422, "insufficient_funds")
    assert "idempotent-replayed" not in first.headers
    acme.deposit("alice", "100.00")
    with nothing_happens():
        again = acme.withdraw("alice", "5.00", headers=K)
        _same_refusal(first, again)
        assert again.headers["idempotent-replayed"] == "true"
        assert again.headers["idempotency-key"] == "k-1"
        is_problem(acme.withdraw("alice", "4.00", headers=K), 422, "idempotency_key_reused")
    assert acme.withdraw("alice", "5.00", headers={"Idempotency-Key": "k-2"}).status == 201


def test_what_is_turned_away_earlier_burns_nothing(
    acme: Api, reader: Api, alice: WalletIdentity
) -> None:
    with nothing_happens():
        for reply, status in (
            (acme.deposit("alice", "1.005", headers=K), 400),
            (acme.post("/wallets/alice/deposit", b"{", headers=K), 400),
            (acme.deposit("nobody", "1.00", headers=K), 404),
            (acme.transfer("alice", "nobody", "1.00", headers=K), 404),
            (acme.post("/wallets/alice/deposit", b" " * 70_000, headers=K), 413),
            (acme.deposit("alice", "1.00", headers=K | {"Content-Type": "text/plain"}), 415),
            (reader.deposit("alice", "1.00", headers=K), 403),
        ):
            assert reply.status == status, str(reply)
            assert reply.headers["idempotency-key"] == "k-1"
        assert Api("").deposit("alice", "1.00", headers=K).status == 401
    assert refusals() == []
    assert acme.deposit("alice", "1.00", headers=K).status == 201


@pytest.mark.parametrize("key", ["", " ", '""', "x" * 256, "k\x7f", "kéy"])
def test_bad_keys(acme: Api, alice: WalletIdentity, key: str) -> None:
    with nothing_happens():
        reply = acme.deposit("alice", "1.00", headers={"Idempotency-Key": key})
        is_problem(reply, 400, "invalid_idempotency_key", "Idempotency-Key")


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (QueueFull("Full."), "overloaded"),
        (OutcomeUnknown("Unknown."), "outcome_unknown"),
        (OperationalError(2006, "gone"), "database_unavailable"),
        (RuntimeError("a bug"), "internal_error"),
    ],
)
def test_failures_tell_the_key_to_come_back_with(
    acme: Api,
    alice: WalletIdentity,
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
    code: str,
) -> None:
    def fail(calls: Any, *, announced: int = 0, deadline_seconds: float) -> None:
        for _ in range(announced):
            group_commit._queue.withdraw()
        for _, ending in calls:
            ending.set_exception(failure)

    with monkeypatch.context() as patched, nothing_happens():
        patched.setattr(group_commit._queue, "submit_all", fail)
        by_header = acme.deposit("alice", "1.00", headers=K)
        by_reference = acme.deposit("alice", "1.00", referenceId="r")
        made = acme.deposit("alice", "1.00")
    status = 500 if code == "internal_error" else 503
    for reply in (by_header, by_reference, made):
        is_problem(reply, status, code)
        assert "gone" not in str(reply)
        assert "bug" not in str(reply)
        assert (reply.headers.get("retry-after") is not None) is (status == 503)
    assert by_header.headers["idempotency-key"] == "k-1"
    assert by_reference.headers["idempotency-key"] == "r"
    key = made.headers["idempotency-key"]
    assert acme.deposit("alice", "1.00", headers={"Idempotency-Key": key}).status == 201


def test_twins_move_money_once(acme: Api, alice: WalletIdentity) -> None:
    acme.deposit("alice", "10.00")

    def withdraw(_: int) -> Reply:
        try:
            return Api(acme.key).withdraw("alice", "10.00", headers=K)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(withdraw, range(16)))
    assert {reply.status for reply in replies} == {201}
    assert len({reply.body for reply in replies}) == 1
    assert sum("idempotent-replayed" not in reply.headers for reply in replies) == 1
    assert acme.balance("alice") == "0.00"
