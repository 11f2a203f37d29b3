"""Errors of the short dialect: one format, whatever went wrong."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError

from tests.contract.assertions import nothing_happens, tells_limits
from tests.contract.short import Short, fails
from tests.http import Api
from wallet_project.kit.queue_errors import QueueFull
from wallets.api import problems
from wallets.api.short.failures import NAMES, is_short_path
from wallets.models import Scope, Wallet
from wallets.operations import group_commit
from wallets.operations.create_client import add_key, create_client


class TestErrors:
    """One format, whatever went wrong."""

    def test_bodies_and_headers(self, short: Short) -> None:
        short.deposit("alice", 100)
        with nothing_happens():
            for body, about in (
                (b"", "empty"),
                (b"{", "JSON"),
                (b"[]", "object"),
                (b"{}", "amount"),
                (b'{"amount": 1, "amount": 2}', "amount"),
                (b'{"amount": 1, "currency": "USD"}', "currency"),
                (b'{"amount": 1, "referenceId": "\\u0001"}', "referenceId"),
            ):
                fails(short.send("alice", "deposit", body), 400, "ValidationError", about=about)
            both = short.send("alice", "transfer", {"amount": 0, "x": 1})
            for about in ("amount: ", "toWalletId: ", "x: "):
                fails(both, 400, "ValidationError", about=about)
            large = short.send("alice", "deposit", b" " * 70_000)
            fails(large, 413, "PayloadTooLargeError")
            text = {"Content-Type": "text/plain"}
            reply = short.send("alice", "deposit", {"amount": 1}, headers=text)
            fails(reply, 415, "UnsupportedMediaTypeError")

    def test_business(self, short: Short) -> None:
        short.deposit("alice", 100)
        reply = fails(short.withdraw("alice", 100.01), 422, "InsufficientFundsError")
        assert "100.00 USD is available" in reply.json["message"]
        fails(short.transfer("alice", "alice", 1), 422, "SameWalletError")
        Wallet.objects.update(status="FROZEN")
        fails(short.deposit("alice", 1), 422, "WalletFrozenError")

    def test_who_calls(self, short: Short) -> None:
        short.deposit("alice", 1)
        stranger = Short(Api("", base=short.api.base))
        for reply in (stranger.get("alice"), stranger.deposit("alice", 1)):
            fails(reply, 401, "UnauthorizedError")
            assert reply.headers["www-authenticate"].startswith("Bearer")
        made = add_key(name="acme", scopes=[Scope.WALLETS_READ])
        reader = Short(Api(made.key, base=short.api.base))
        assert reader.get("alice").status == 200
        with nothing_happens():
            fails(reader.get("alice/history"), 403, "ForbiddenError")
            fails(reader.deposit("alice", 1), 403, "ForbiddenError")
            fails(reader.withdraw("alice", 1), 403, "ForbiddenError")
            fails(reader.transfer("alice", "bob", 1), 403, "ForbiddenError")

    def test_paths_and_methods(self, short: Short, settings: Any) -> None:
        for debug in (False, True):
            settings.DEBUG = debug
            for path in ("", "/", "/alice/", "/alice/nothing", "/alice/deposit/", "/a/b/c"):
                for method in ("GET", "POST"):
                    fails(short.api.call(method, path), 404, "NotFoundError")
        for path, allowed in (
            ("/alice", "GET, HEAD, OPTIONS"),
            ("/alice/history", "GET, HEAD, OPTIONS"),
            ("/alice/deposit", "POST, OPTIONS"),
            ("/alice/withdraw", "POST, OPTIONS"),
            ("/alice/transfer", "POST, OPTIONS"),
        ):
            reply = fails(short.api.call("DELETE", path), 405, "MethodNotAllowedError")
            assert set(reply.headers["allow"].split(", ")) == set(allowed.split(", "))
            assert short.api.call("OPTIONS", path).status == 204

    def test_an_unknown_host(self, short: Short) -> None:
        fails(short.get("alice", headers={"Host": "evil.example"}), 400, "ValidationError")

    @pytest.mark.parametrize(
        ("failure", "status", "error"),
        [
            (QueueFull("Full."), 503, "ServiceUnavailableError"),
            (OperationalError(2006, "gone"), 503, "ServiceUnavailableError"),
            (RuntimeError("a bug"), 500, "InternalServerError"),
        ],
    )
    def test_failures_tell_the_key_to_come_back_with(
        self,
        short: Short,
        monkeypatch: pytest.MonkeyPatch,
        failure: Exception,
        status: int,
        error: str,
    ) -> None:
        def fail(command: object) -> None:
            raise failure

        with monkeypatch.context() as patched, nothing_happens():
            patched.setattr(group_commit, "run", fail)
            reply = fails(short.deposit("alice", 1, "k"), status, error)
        assert "bug" not in reply.json["message"]
        assert reply.headers["idempotency-key"] == "k"
        assert ("retry-after" in reply.headers) == (status == 503)

    def test_head_tells_what_get_would(self, short: Short) -> None:
        short.deposit("alice", 1)
        got, head = short.get("alice"), short.api.call("HEAD", "/alice")
        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-length"] == got.headers["content-length"]


def test_every_name_belongs_to_a_code() -> None:
    assert set(NAMES) - set(problems.catalogue()) == set()
    assert all(re.fullmatch(r"[A-Z][A-Za-z]+Error", name) for name in NAMES.values())


def test_which_paths_are_the_dialects() -> None:
    ours = ["/wallet", "/wallet/", "/wallet/x", "/v1/wallet", "/v1/wallet/x/deposit"]
    others = ["/", "/wallets", "/v1/wallets/x", "/api/v1/wallet", "/walletx", "/v1", "/v1/x"]
    assert all(is_short_path(path) for path in ours)
    assert not any(is_short_path(path) for path in others)


def test_the_document_has_the_dialect_once(database: None) -> None:
    document = json.loads(Api().get("/api/schema/?format=json", from_root=True).body)
    found = sorted(path for path in document["paths"] if is_short_path(path))
    base = "/v1/wallet/{name}"
    verbs = ["", "/deposit", "/history", "/transfer", "/withdraw"]
    assert found == [base + verb for verb in verbs]


def test_too_many_withdrawals(database: None, settings: Any) -> None:
    settings.REDIS_KEY_PREFIX = f"test-{uuid4()}."
    short = Short(Api(create_client(name="shop").key, base="/wallet"))
    short.deposit("till", 100)
    paid = [short.withdraw("till", 1).status for _ in range(10)]

    with nothing_happens():
        reply = fails(short.withdraw("till", 1, "k"), 429, "RateLimitError")

    assert paid == [201] * 10
    assert reply.headers["idempotency-key"] == "k"
    assert int(reply.headers["retry-after"]) >= 1
    tells_limits(reply)
    assert short.deposit("till", 1).status == 201
