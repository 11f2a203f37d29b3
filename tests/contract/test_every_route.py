"""What holds for every route, the next one included: the routes are the URL configuration's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from tests.contract.assertions import TIME, nothing_happens
from tests.http import Api, Reply
from tests.operations import accept, work
from tests.people import Company, asks, wallet_of
from wallets.identity import WalletIdentity, identify
from wallets.models import Scope
from wallets.operations.create_client import add_key
from wallets.operations.request_payout import request_payout

BASES = ("api/v1/", "v1/wallet/", "wallet/")
VERBS = ("get", "head", "post", "put", "patch", "delete")
MOMENT = {"timestamp": "2026-01-01T00:00:00Z"}
Route = tuple[str, str, Scope | None]


def routes() -> list[Route]:
    """List path, method and scope of everything that the API does; parameters are {}."""
    return [
        (re.sub(r"<[^>]+>", "{}", f"/{base}{pattern.pattern}"), verb.upper(), scope)
        for base in BASES
        for resolver in get_resolver().url_patterns
        if isinstance(resolver, URLResolver) and str(resolver.pattern) == base
        for pattern in resolver.url_patterns
        if isinstance(pattern, URLPattern)
        for view in [getattr(pattern.callback, "view_class", None)]
        for verb in VERBS
        if hasattr(view, "get" if verb == "head" else verb)
        for scope in [getattr(view, "scopes", {}).get(verb.upper())]
    ]


def name_of(value: object) -> str:
    return str(value)


SCOPED = [(path, method, scope) for path, method, scope in routes() if scope is not None]
OF_A_WALLET = [(path, method) for path, method, _ in routes() if "{}" in path]


def send(
    api: Api,
    method: str,
    path: str,
    wallet: object,
    transaction: str = "x",
    operation: str = "x",
    hold: str = "x",
) -> Reply:
    """Send a call that fits the route, about a wallet, a transaction, an operation, or a hold or
    payout."""
    named = {"/transactions/{}": transaction, "/holds/{}": hold, "/payouts/{}": hold}
    first = next((one for part, one in named.items() if part in path), wallet)
    # Some paths name more than one thing; these are all wallets then, which are none of them.
    where = path.replace("{}", str(first), 1).replace("{}", operation)
    amount: dict[str, Any] = {"amount": 1}
    if path.endswith("transfer"):
        amount["toWalletId" if path.count("/") < 5 else "destinationWalletId"] = "bob"
    body = {
        "POST": amount if path.endswith(("deposit", "withdraw", "transfer", "holds")) else {},
        "PATCH": {"metadata": {"a": 1}},
    }.get(method)
    query = MOMENT if path.endswith("/historical") else None
    return api.call(method, where, body, query=query, from_root=True)


def test_the_list_has_the_routes_that_people_know() -> None:
    known = {(path, method) for path, method, _ in routes()}
    assert {
        ("/api/v1/wallets", "POST"),
        ("/api/v1/wallets/{}", "PATCH"),
        ("/api/v1/transactions/bulk", "POST"),
        ("/v1/wallet/{}/deposit", "POST"),
        ("/wallet/{}", "GET"),
    } <= known


def test_every_route_names_the_scope_it_needs() -> None:
    assert [(path, method) for path, method, scope in routes() if scope is None] == []


@pytest.mark.parametrize(("path", "method", "scope"), SCOPED, ids=name_of)
def test_every_route_is_closed_without_its_scope_and_without_a_key(
    alice: WalletIdentity, bob: WalletIdentity, path: str, method: str, scope: Scope
) -> None:
    without = Api(add_key(name="acme", scopes=set(Scope.values) - {scope.value}).key)
    with nothing_happens():
        assert send(without, method, path, "alice").status == 403
        assert send(Api(), method, path, "alice").status == 401


@pytest.mark.parametrize(("path", "method"), OF_A_WALLET, ids=name_of)
def test_on_every_route_anothers_is_as_if_it_did_not_exist(
    acme: Api, globex: Api, charlie: WalletIdentity, path: str, method: str
) -> None:
    theirs = globex.deposit("charlie", "5.00").json["transactionId"]
    hold = globex.post("/wallets/charlie/holds", {"amount": "1.00"}).json["holdId"]
    with nothing_happens():
        replies = [
            send(acme, method, path, charlie.id, theirs, hold),
            send(
                acme,
                method,
                path,
                str(charlie.id)[:-1] + "0",
                theirs[:-1] + "0",
                hold[:-1] + "0",
            ),
        ]
    assert [reply.status for reply in replies] == [404, 404]
    if method != "HEAD":
        own = ("timestamp", "requestId", "instance")
        first, second = ({k: v for k, v in r.json.items() if k not in own} for r in replies)
        assert first == second


@pytest.mark.parametrize(("currency", "decimals"), [("USD", 2), ("JPY", 0), ("KWD", 3)])
def test_every_time_and_every_amount_is_written_in_one_way(
    acme: Api, client_acme: Company, currency: str, decimals: int
) -> None:
    for name in ("carol", "bob"):
        wallet_of(client_acme, name, currency=currency)
    made = [
        acme.deposit("carol", "100"),
        acme.withdraw("carol", 10),
        acme.transfer("carol", "bob", "5"),
    ]
    made.append(acme.post("/wallets/carol/holds", {"amount": "5"}))
    carol = identify(client_acme.id, "carol")
    # Its hold has the same id.
    payout = request_payout(wallet=carol, request=asks(5, wallet=carol), destination={"a": 1})
    refused = acme.withdraw("carol", "1000")
    entry = made[2].json["transactionId"]
    accepted = accept(acme, "DEPOSIT", "carol", "7").json["operationId"]
    work()
    reads = [
        send(acme, method, path, "carol", entry, accepted, str(payout.id))
        for path, method, _ in routes()
        if method == "GET"
        and path.startswith("/api/")
        # Their ids are no wallet's: their own files look at what they answer.
        and not any(part in path for part in OF_THEIR_OWN)
    ]
    assert {reply.status for reply in made} == {201}
    assert {reply.status for reply in reads} == {200}

    seen = [pair for reply in [*made, refused, *reads] for pair in _walk(reply.json)]
    times = {name for name, _ in seen if name in TIMES}
    amounts = {name for name, _ in seen if name in AMOUNTS}
    assert times >= {"createdAt", "updatedAt", "asOf"}
    assert amounts >= {"amount", "balance", "held", "available", "shortfall", "debit", "credit"}
    for name, value in seen:
        if name in TIMES and value is not None:
            assert TIME.fullmatch(value), (name, value)
        if name in AMOUNTS and value is not None:
            assert isinstance(value, str), (name, value)
            assert len(value.partition(".")[2]) == decimals, (name, value)
            assert str(Decimal(value)) == value, (name, value)


OF_THEIR_OWN = ("/webhook-endpoints/{}", "/statements/{}", "/exports/{}")
TIMES = {
    *("createdAt", "updatedAt", "asOf", "timestamp", "processedAt"),
    *("expiresAt", "endedAt", "nextAttemptAt", "issuedAt"),
}
AMOUNTS = {
    "amount",
    "balance",
    "held",
    "available",
    "shortfall",
    "debit",
    "credit",
    "difference",
    "capturedAmount",
    *("openingBalance", "closingBalance", "totalCredits", "totalDebits"),
}


def _walk(value: Any) -> Iterator[tuple[str, Any]]:
    """Walk every named plain value in a body."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, dict | list):
                yield from _walk(inner)
            else:
                yield name, inner
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner)
