"""What is slow takes its share of a process' threads and no more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.test import RequestFactory
from django.urls import resolve

from tests.contract.recipes import schema_routes
from tests.http import Api, Reply
from tests.people import Company
from wallet_project import shedding
from wallet_project.kit.bulkhead import Bulkhead
from wallets import queries
from wallets.identity import WalletIdentity

SHARE = 2


@pytest.fixture(autouse=True)
def narrow(settings: Any) -> Iterator[None]:
    settings.WEB_READ_THREADS = 3
    settings.WEB_LIST_THREADS = settings.WEB_OFFICE_THREADS = SHARE
    shedding.forget()
    yield
    assert (shedding.lists().taken, shedding.reads().taken, shedding.office().taken) == (0, 0, 0)
    shedding.forget()


class Slow:
    """Something that many ask for and that takes until it is let go on."""

    def __init__(self, real: Callable[..., Any], many: int) -> None:
        self._real = real
        self._go_on = threading.Event()
        self._all_here = threading.Barrier(many + 1)

    def __call__(self, *args: Any, **named: Any) -> Any:
        if not self._go_on.is_set():
            self._all_here.wait(10)
            assert self._go_on.wait(20)
        return self._real(*args, **named)

    def wait_until_all_are_in_it(self) -> None:
        self._all_here.wait(10)

    def go_on(self) -> None:
        self._go_on.set()


@pytest.fixture
def acme(client_acme: Company) -> Api:
    return Api(client_acme.key)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(SHARE + 1) as made:
        yield made


def ask(pool: ThreadPoolExecutor, call: Callable[[], Reply], many: int) -> list[Future[Reply]]:
    def once() -> Reply:
        try:
            return call()
        finally:
            connections.close_all()

    return [pool.submit(once) for _ in range(many)]


def test_slow_lists_leave_threads_to_money_to_reads_and_to_health(
    acme: Api, alice: WalletIdentity, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(queries.wallets_page, SHARE)
    monkeypatch.setattr(queries, "wallets_page", slow)
    waiting = ask(pool, lambda: acme.get("/wallets"), SHARE)
    slow.wait_until_all_are_in_it()
    try:
        for path in ("/wallets", "/payouts", "/exports", "/trial-balance"):
            told = acme.get(path)
            assert (told.status, told.json["code"]) == (503, "overloaded")
            assert told.headers["retry-after"] == "1"
            assert "x-ratelimit-limit" in told.headers
        assert acme.get("/wallets/alice").status == 200
        assert acme.get("/wallets/alice/transactions").status == 200
        assert acme.deposit("alice", "1.00").status == 201
        assert acme.get("/health/live", from_root=True).status == 200
        assert acme.get("/admin/login/", from_root=True).status == 200
    finally:
        slow.go_on()
    assert [one.result(20).status for one in waiting] == [200] * SHARE
    assert acme.get("/wallets").status == 200


def test_whoever_is_turned_away_has_taken_nothing_from_the_plan(acme: Api) -> None:
    before = int(acme.get("/wallets").headers["x-ratelimit-remaining"])
    places = [shedding.lists().enter() for _ in range(SHARE)]
    try:
        assert places == [True] * SHARE
        assert acme.get("/wallets").status == 503
    finally:
        for _ in places:
            shedding.lists().leave()
    assert int(acme.get("/wallets").headers["x-ratelimit-remaining"]) == before - 1


def test_reads_that_fill_their_share_leave_threads_to_money(
    acme: Api, alice: WalletIdentity, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(queries.wallet, 3)
    monkeypatch.setattr(queries, "wallet", slow)
    waiting = ask(pool, lambda: acme.get("/wallets/alice"), 3)
    slow.wait_until_all_are_in_it()
    try:
        for path in ("/wallets/alice/balance", "/wallets"):
            assert acme.get(path).json["code"] == "overloaded"
        assert acme.get("/admin/login/", from_root=True).status == 503
        assert acme.deposit("alice", "1.00").status == 201
        assert acme.withdraw("alice", "1.00").status == 201
        assert acme.get("/health/ready", from_root=True).status == 200
        assert acme.get("/health/live", from_root=True).status == 200
    finally:
        slow.go_on()
    assert [one.result(20).status for one in waiting] == [200] * 3


def test_a_page_of_the_back_office_beyond_its_share_says_so(acme: Api) -> None:
    for _ in range(SHARE):
        assert shedding.office().enter()
    try:
        told = acme.get("/admin/login/", from_root=True)
        assert (told.status, told.headers["retry-after"]) == (503, "1")
        assert b"Too many pages" in told.body
        assert acme.get("/wallets").status == 200
    finally:
        for _ in range(SHARE):
            shedding.office().leave()


def test_a_call_that_fails_gives_its_place_back(acme: Api) -> None:
    for _ in range(2 * SHARE):
        assert acme.get("/wallets?limit=none").status == 400
        assert Api("nobody.nothing").get("/wallets").status == 401
    assert acme.get("/wallets").status == 200


def _compartment_of(method: str, path: str) -> Bulkhead | None:
    request = RequestFactory().generic(method, path)
    return shedding.compartment(request, resolve(path).func)


def test_every_route_of_the_schema_that_changes_wallets_or_money_takes_any_thread() -> None:
    seen = set()
    for route in schema_routes():
        path = route.path.format(**dict.fromkeys(route.kinds, "x"))
        found = _compartment_of(route.method, path)
        seen.add(None if found is None else found.name)
        is_money = route.method != "GET" and not any(
            word in path for word in ("/webhook-endpoints", "/exports")
        )
        assert (found is None) is is_money, str(route)
    assert seen == {None, "reads", "lists"}


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/metrics", "/"])
def test_health_and_metrics_are_in_no_compartment(path: str) -> None:
    assert _compartment_of("GET", path) is None
