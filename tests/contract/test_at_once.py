"""A client may have so many calls under way at once; others do not notice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from tests.contract.assertions import is_problem, nothing_happens, tells_limits
from tests.http import Api, Reply
from wallets.api import throttling, views
from wallets.api.express import routes
from wallets.identity import WalletIdentity
from wallets.operations.open_wallet import open_wallet

MOST = 2


@pytest.fixture(autouse=True)
def few(settings: Any) -> None:
    settings.CLIENT_CALLS_MAX = settings.WEB_CLIENT_THREADS = MOST


@pytest.fixture
def busy(acme: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Acme has as many calls under way as it may have; they end when the event is set."""
    all_here, go_on = threading.Barrier(MOST + 1), threading.Event()
    slow_ones = iter(range(MOST))

    def slow(**asked: Any) -> Any:
        if next(slow_ones, None) is not None:
            all_here.wait(10)
            assert go_on.wait(20)
        return open_wallet(**asked)

    for module in (views, routes):
        monkeypatch.setattr(module, "open_wallet", slow)

    def call(_: int) -> Reply:
        try:
            return acme.post("/wallets", {})
        finally:
            connections.close_all()

    with ThreadPoolExecutor(MOST) as pool:
        under_way = [pool.submit(call, number) for number in range(MOST)]
        all_here.wait(10)
        try:
            yield go_on
        finally:
            go_on.set()
        assert [one.result(20).status for one in under_way] == [201] * MOST


def test_one_more_is_told_so_at_once_and_has_no_effect(
    acme: Api, alice: WalletIdentity, busy: threading.Event
) -> None:
    headers = {"Idempotency-Key": "once"}
    with nothing_happens():
        told = acme.post("/wallets", {"reference": "new"}, headers=headers)
        is_problem(told, 429, "too_many_at_once")
    assert told.headers["retry-after"] == "1"
    assert told.headers["idempotency-key"] == "once"
    assert told.json["limit"] == MOST
    tells_limits(told)


def test_another_client_does_not_notice(
    globex: Api, charlie: WalletIdentity, busy: threading.Event
) -> None:
    assert globex.deposit("charlie", "1.00").status == 201
    assert globex.post("/wallets", {}).status == 201
    assert globex.get("/wallets/charlie/balance").status == 200


def test_the_key_is_still_free_afterwards(acme: Api, busy: threading.Event) -> None:
    headers = {"Idempotency-Key": "again"}
    is_problem(acme.post("/wallets", {}, headers=headers), 429, "too_many_at_once")
    busy.set()
    # The slow ones end in their own time.
    replies = [acme.post("/wallets", {}, headers=headers) for _ in range(200)]
    made = [reply for reply in replies if reply.status == 201]
    assert made
    assert "idempotent-replayed" not in made[0].headers


def test_calls_that_fail_are_under_way_no_longer(acme: Api, alice: WalletIdentity) -> None:
    for _ in range(2 * MOST):
        assert acme.post("/wallets", {"nothing": 1}).status == 400
        assert acme.post("/wallets/alice/withdraw", {"amount": "1.00"}).status == 422
        assert acme.get("/wallets/nobody").status == 404
        assert acme.call("PUT", "/wallets").status == 405
    assert acme.post("/wallets", {}).status == 201
    assert throttling.web_calls.of(alice.client) == 0
