"""Nothing of one client's can be seen, changed or even noticed by another, on any route.

The routes are the schema's. One that is new is walked by itself, or fails here until somebody says
how it is called.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from typing import Any, Final

import pytest

from events.consumers.notifications.models import Contact
from events.consumers.webhooks.models import WebhookDelivery, WebhookEndpoint
from tests.contract.assertions import nothing_happens
from tests.contract.recipes import (
    COLLECTIONS,
    KINDS,
    WITHOUT_NAMES,
    Names,
    Route,
    is_uuid,
    schema_routes,
)
from tests.http import Api, Reply
from tests.operations import accept
from tests.people import Company, asks, fund, wallet_of
from tests.webhooks import endpoint_of, fan_out
from wallets.exports import worker
from wallets.exports.models import ExportJob, IssuedStatement
from wallets.identity import WalletIdentity
from wallets.models import Hold, Operation, Payout
from wallets.operations.request_payout import request_payout

WITH_NAMES: Final = [route for route in schema_routes() if route.kinds or route.recipe.names]
LISTS: Final = [route for route in schema_routes() if str(route) in COLLECTIONS]
OWN: Final = ("timestamp", "requestId", "instance")
"""What differs between two problems of the same kind."""
FILTERED: Final = frozenset({"GET /api/v1/events"})
"""Where a name is a filter: nothing is found, and that is an answer."""
TIMED: Final = 15
"""Pairs of calls whose medians are compared."""


def belongings(company: Company, api: Api, wallet: WalletIdentity, reference: str) -> Names:
    """Make one of everything for a client; return the names of it all."""
    fund(wallet, 10_000)
    made = api.deposit(reference, "5.00").json
    hold = api.post(f"/wallets/{reference}/holds", {"amount": "1.00"}).json
    operation = accept(api, "DEPOSIT", reference, "1.00").json
    payout = request_payout(wallet=wallet, request=asks(5, wallet=wallet), destination={"a": 1})
    endpoint = endpoint_of(company, "https://example.com/hooks")
    api.deposit(reference, "6.00")
    fan_out()
    statement = api.get(f"/wallets/{reference}/statement")
    export = api.post("/exports", {"type": "statement", "walletId": reference, "format": "csv"})
    worker.run(enough=lambda: False)
    delivery = WebhookDelivery.objects.filter(endpoint_id=endpoint.endpoint.id).first()
    assert delivery is not None
    return {
        "wallet_id": str(wallet.id),
        "name": reference,
        "transaction_id": made["transactionId"],
        "hold_id": hold["holdId"],
        "payout_id": str(payout.id),
        "operation_id": operation["operationId"],
        "endpoint_id": str(endpoint.endpoint.id),
        "delivery_id": str(delivery.id),
        "statement_id": statement.json["statementId"],
        "export_id": export.json["exportId"],
    }


def unlike(name: str) -> str:
    """Return a name of the same form that nobody has."""
    last = "0" if name[-1] != "0" else "1"
    return name[:-1] + last if is_uuid(name) else f"{name}-nobody"


def told(reply: Reply, *names: str) -> Any:
    """Return status and body of a reply without what belongs to the one call."""
    text = reply.body.decode()
    for name in names:
        text = text.replace(name, "…")
    shown = replace(reply, body=text.encode()).json if text else None
    if isinstance(shown, dict):
        shown = {name: value for name, value in shown.items() if name not in OWN}
    return reply.status, shown


def everything() -> list[Any]:
    """Take a picture of what is no part of the books."""
    kept = (Hold, Operation, Payout, WebhookEndpoint, WebhookDelivery, Contact)
    papers = (IssuedStatement, ExportJob)
    return [list(model.objects.order_by("pk").values()) for model in (*kept, *papers)]


@pytest.fixture
def theirs(client_globex: Company, globex: Api, charlie: WalletIdentity) -> Names:
    """What Globex has."""
    return belongings(client_globex, globex, charlie, "charlie")


@pytest.fixture
def ours(client_acme: Company, acme: Api, alice: WalletIdentity) -> Names:
    """What Acme has."""
    wallet_of(client_acme, "bob")
    return belongings(client_acme, acme, alice, "alice")


def test_every_route_of_the_schema_is_walked() -> None:
    """A route that is new and of another kind stops here: say in `recipes.py` how it is called."""
    unknown = {kind for route in schema_routes() for kind in route.kinds} - KINDS
    assert unknown == set()
    walked = {str(route) for route in WITH_NAMES} | COLLECTIONS | WITHOUT_NAMES
    assert {str(route) for route in schema_routes()} - walked == set()
    assert {str(route) for route in schema_routes()} >= COLLECTIONS | WITHOUT_NAMES


def test_with_the_callers_own_names_every_route_answers(acme: Api, ours: Names) -> None:
    """Else a 404 for another's would show nothing: the call itself may have been wrong."""
    ending = ("/close", "/void", "/capture", "DELETE")  # what ends a thing comes last
    ordered = sorted(WITH_NAMES, key=lambda route: str(route).endswith(ending[:3]))
    for route in sorted(ordered, key=lambda route: route.method == "DELETE"):
        reply = route.call(acme, ours, {**ours, "wallet_id": "bob"})
        assert reply.status not in (400, 403, 404, 405, 415), f"{route}: {reply}"


def test_anothers_is_as_if_it_did_not_exist(acme: Api, ours: Names, theirs: Names) -> None:
    before = everything()
    with nothing_happens():
        for route in WITH_NAMES:
            for kind in route.kinds:
                _walk_path(route, kind, acme, ours, theirs)
            for kind, _ in route.recipe.names:
                _walk_body(route, kind, acme, ours, theirs)
    assert everything() == before


def _walk_path(route: Route, kind: str, acme: Api, ours: Names, theirs: Names) -> None:
    """Put each of the stranger's names into one place of the path."""
    # The other names of the path are once the caller's own, once the stranger's.
    around = (ours, theirs) if len(route.kinds) > 1 else (ours,)
    for name in sorted(set(theirs.values())):
        if route.recipe.opens and not is_uuid(name):
            continue  # a free name of the caller's own, whoever else has it
        for others in around:
            nobody = unlike(name)
            seen = route.call(acme, {**others, kind: name}, ours)
            missing = route.call(acme, {**others, kind: nobody}, ours)
            assert seen.status == 404, f"{route} {kind} {name}: {seen}"
            assert told(seen, name) == told(missing, nobody), str(route)
            assert set(seen.headers) == set(missing.headers), str(route)


def _walk_body(route: Route, kind: str, acme: Api, ours: Names, theirs: Names) -> None:
    """Name the stranger's in body or query, with all else the caller's own."""
    for name in (theirs[kind], theirs["name"]):
        seen = route.call(acme, ours, {**ours, kind: name})
        missing = route.call(acme, ours, {**ours, kind: unlike(name)})
        assert told(seen, name) == told(missing, unlike(name)), str(route)
        assert str(route) in FILTERED or seen.status in (404, 422), f"{route}: {seen}"


def test_no_list_holds_anything_of_anothers(
    acme: Api, globex: Api, ours: Names, theirs: Names
) -> None:
    for route in LISTS:
        seen = acme.call(route.method, route.path, from_root=True)
        assert seen.status == 200, str(seen)
        text = seen.body.decode()
        assert [kind for kind, name in theirs.items() if f'"{name}"' in text] == [], str(route)
    assert acme.get("/wallets", query={"userId": "user-charlie"}).json["items"] == []
    assert globex.post("/wallets", {"reference": "dora"}).status == 201
    page = globex.get("/wallets", query={"limit": 1}).json["nextCursor"]
    assert page is not None
    rest = acme.get("/wallets", query={"cursor": page}).body.decode()
    assert theirs["wallet_id"] not in rest
    asked = {"type": "transactions", "walletId": "charlie", "format": "csv"}
    assert globex.post("/exports", asked).status == 202
    page = globex.get("/exports", query={"limit": 1}).json["nextCursor"]
    assert page is not None
    rest = acme.get("/exports", query={"cursor": page}).body.decode()
    assert theirs["export_id"] not in rest


def test_the_time_tells_nothing_either(acme: Api, ours: Names, theirs: Names) -> None:
    """Whoever measures must not learn which ids exist: the medians of many interleaved calls lie
    within a factor of two."""
    slow = []
    for route in WITH_NAMES:
        if not route.kinds or route.recipe.opens:
            continue
        # Noise can make a difference, but hardly the same one three times.
        if all(_ratio(route, acme, theirs) > 2 for _ in range(3)):
            slow.append(str(route))
    assert slow == []


def _ratio(route: Route, api: Api, theirs: Names) -> float:
    """Compare the medians of calls for another's and for nobody's name; 1 is equal."""
    kind = route.kinds[-1]
    taken: dict[str, list[float]] = {"theirs": [], "nobodys": []}
    for number in range(TIMED):
        pair = [("theirs", theirs[kind]), ("nobodys", unlike(theirs[kind]))]
        for who, name in pair if number % 2 else reversed(pair):
            started = time.perf_counter()
            route.call(api, {**theirs, kind: name}, theirs)
            taken[who].append(time.perf_counter() - started)
    first, second = (statistics.median(values) for values in taken.values())
    return max(first, second) / min(first, second)
