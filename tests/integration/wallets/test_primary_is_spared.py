"""A read that could be answered by the replica must not burden the primary: every route is held
to it, new ones too, because the list of routes is the URL configuration's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest
from django.db import connections
from django.urls import URLPattern, URLResolver, get_resolver

from tests import outages
from tests.http import Api, Reply
from tests.integration.wallets.test_reads import flush_redis
from tests.operations import accept
from tests.people import Company
from wallet_project.kit import replica
from wallet_project.kit.database import PRIMARY
from wallets import identity
from wallets.identity import WalletIdentity

pytestmark = pytest.mark.full_stack

NEED_THE_PRIMARY = {
    # The two sides must be of one moment, and "now" is the primary's.
    "/api/v1/trial-balance",
    # A payout or an operation moves on without its wallet, and whoever asks wants to know where it
    # stands now.
    "/api/v1/wallets/{}/operations",
    "/api/v1/wallets/{}/operations/{}",
    "/api/v1/payouts",
    "/api/v1/payouts/{}",
    # So does an export.
    "/api/v1/exports",
    "/api/v1/exports/{}",
    "/api/v1/exports/{}/file",
    # A statement is written down with its hash when it is first told.
    "/api/v1/wallets/{}/statement",
    "/api/v1/statements/{}",
    # What is left of a limit is decided under the lock, by the primary's day.
    "/api/v1/wallets/{}/limits",
    # What a client has set up is read seldom, mostly right after it was changed, and has no version
    # that a caller could ask the replica for.
    "/api/v1/wallets/{}/contact",
    "/api/v1/webhook-endpoints",
    "/api/v1/webhook-endpoints/{}",
    "/api/v1/webhook-endpoints/{}/deliveries",
    "/api/v1/webhook-endpoints/{}/deliveries/{}",
}
NEED_A_QUERY = {"/api/v1/wallets/{}/balance/historical": {"timestamp": "2026-01-01T00:00:00Z"}}


class PrimaryTouched(AssertionError):
    """A read sent a statement to the primary although the replica is fresh."""


@contextmanager
def primary_closed() -> Iterator[None]:
    """Fail every statement that this thread sends to the primary."""

    def refuse(execute: Callable[..., Any], sql: str, *rest: Any) -> NoReturn:
        raise PrimaryTouched(sql)

    with connections[PRIMARY].execute_wrapper(refuse):
        yield


def read_routes() -> list[str]:
    """List the paths of the API that answer GET, each parameter as {}."""
    return sorted(
        re.sub(r"<[^>]+>", "{}", f"/{base}{pattern.pattern}")
        for base in ("api/v1/", "v1/wallet/", "wallet/")
        for resolver in get_resolver().url_patterns
        if isinstance(resolver, URLResolver) and str(resolver.pattern) == base
        for pattern in resolver.url_patterns
        if isinstance(pattern, URLPattern)
        and hasattr(getattr(pattern.callback, "view_class", None), "get")
    )


@pytest.fixture
def acme(client_acme: Company, alice: WalletIdentity) -> Iterator[Api]:
    """Acme's programs; the replica has everything, Redis nothing, the process knows the key."""
    api = Api(client_acme.key)
    yield api
    replica.forget()
    outages.still_the_heart()


Made = dict[str, str]
"""Ids by the part of a path that comes before them."""


def read(api: Api, route: str, made: Made) -> Reply:
    path = route
    for part, id_ in made.items():
        path = path.replace(f"/{part}/{{}}", f"/{part}/{id_}")
    path = path.replace("{}", "alice")
    return api.get(path, from_root=True, query=NEED_A_QUERY.get(route))


def settled(acme: Api) -> Made:
    made = {
        "transactions": acme.deposit("alice", "5.00").json["transactionId"],
        "holds": acme.post("/wallets/alice/holds", {"amount": "1.00"}).json["holdId"],
        "operations": accept(acme, "DEPOSIT", "alice", "1.00").json["operationId"],
    }
    outages.settle()
    flush_redis()
    acme.get("/wallets/alice")  # the key is known for four seconds from here
    identity.forget_all()
    flush_redis()
    return made


def test_the_list_has_the_routes_that_people_know() -> None:
    routes = read_routes()
    assert {"/api/v1/wallets", "/api/v1/wallets/{}/balance", "/v1/wallet/{}/history"} <= set(routes)
    assert NEED_THE_PRIMARY | set(NEED_A_QUERY) <= set(routes)


@pytest.mark.parametrize("route", [r for r in read_routes() if r not in NEED_THE_PRIMARY])
def test_no_read_touches_the_primary_while_the_replica_is_fresh(acme: Api, route: str) -> None:
    made = settled(acme)

    with primary_closed():
        reply = read(acme, route, made)

    assert reply.status == 200, str(reply)
    assert "x-stale-as-of" not in reply.headers


def test_the_fixture_bites(acme: Api) -> None:
    settled(acme)

    with primary_closed():
        # A version that the replica cannot have is asked of the primary.
        reply = acme.get("/wallets/alice", headers={"X-Min-Version": "99"})

    assert reply.status == 500
