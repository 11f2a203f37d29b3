"""A value date in a month that is closed is refused, whatever way it comes in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.assertions import is_problem, nothing_happens
from tests.http import Api, Reply
from tests.operations import accept, shown, work
from tests.people import Company, refusals
from tests.periods import close, month_ago
from wallets.identity import WalletIdentity

CLOSED = month_ago(3)
IN_IT = (CLOSED + timedelta(days=9)).isoformat()
LAST = (month_ago(2) - timedelta(days=1)).isoformat()
EARLIEST = month_ago(2).isoformat()


def deposit(api: Api, day: str) -> Reply:
    return api.deposit("alice", "5.00", valueDate=day)


def withdraw(api: Api, day: str) -> Reply:
    return api.withdraw("alice", "5.00", valueDate=day)


def transfer(api: Api, day: str) -> Reply:
    return api.transfer("alice", "bob", "5.00", valueDate=day)


def reverse(api: Api, day: str) -> Reply:
    paid = api.get("/wallets/alice/transactions").json["items"][-1]["transactionId"]
    return api.post(f"/transactions/{paid}/reverse", {"amount": "5.00", "valueDate": day})


def capture(api: Api, day: str) -> Reply:
    held = next(one for one in api.get("/wallets/alice/holds").json["items"])["holdId"]
    return api.post(f"/holds/{held}/capture", {"amount": "5.00", "valueDate": day})


def item(day: str, reference: str) -> dict[str, Any]:
    return {
        "type": "DEPOSIT",
        "walletId": "alice",
        "amount": "5.00",
        "referenceId": reference,
        "valueDate": day,
    }


def bulk_of_all_or_none(api: Api, day: str) -> Reply:
    items = [item(EARLIEST, f"good-{day}"), item(day, f"bad-{day}")]
    return api.post("/transactions/bulk", {"transactions": items, "atomic": True})


ROUTES: dict[str, Callable[[Api, str], Reply]] = {
    "/api/v1/wallets/{wallet_id}/deposit": deposit,
    "/api/v1/wallets/{wallet_id}/withdraw": withdraw,
    "/api/v1/wallets/{wallet_id}/transfer": transfer,
    "/api/v1/transactions/{transaction_id}/reverse": reverse,
    "/api/v1/holds/{hold_id}/capture": capture,
    "/api/v1/transactions/bulk": bulk_of_all_or_none,
}
LATER = "/api/v1/wallet"
"""It answers before the movement is made."""


@pytest.fixture(autouse=True)
def closed(acme: Api, client_acme: Company, alice: WalletIdentity, bob: WalletIdentity) -> None:
    """Alice has money and a hold; the month three months back is closed."""
    assert acme.deposit("alice", "100.00", valueDate=IN_IT).status == 201
    assert acme.post("/wallets/alice/holds", {"amount": "20.00"}).status == 201
    close(client_acme.id, CLOSED)


@pytest.mark.parametrize("day", [IN_IT, LAST, "1999-12-31"], ids=["in it", "last day", "long ago"])
@pytest.mark.parametrize("route", ROUTES)
def test_a_value_date_in_a_closed_month_is_refused(acme: Api, route: str, day: str) -> None:
    with nothing_happens():
        reply = ROUTES[route](acme, day)
    is_problem(reply, 422, "period_closed")
    assert reply.json["earliestValueDate"] == EARLIEST
    assert EARLIEST in reply.json["detail"]
    assert set(refusals()) == {"period_closed"}


@pytest.mark.parametrize("route", ROUTES)
def test_the_first_open_day_is_taken(acme: Api, route: str) -> None:
    reply = ROUTES[route](acme, EARLIEST)
    assert reply.status in (200, 201), str(reply)


def test_a_list_ends_item_by_item(acme: Api) -> None:
    items = [item(IN_IT, "old"), item(EARLIEST, "new")]
    results = acme.post("/transactions/bulk", {"transactions": items}).json["results"]
    assert [one["status"] for one in results] == [422, 201]
    assert results[0]["problem"]["code"] == "period_closed"
    assert acme.balance("alice") == "105.00"


def test_an_operation_fails_for_good(acme: Api, alice: WalletIdentity) -> None:
    accepted = accept(acme, "DEPOSIT", "alice", "5.00", valueDate=IN_IT)
    assert accepted.status == 202
    with nothing_happens():
        work()
    found = shown(acme, accepted)
    assert (found["status"], found["reason"]) == ("FAILED", "period_closed")


def test_no_route_that_takes_a_value_date_is_left_out() -> None:
    schema = yaml.safe_load(Path("docs/openapi.yaml").read_text(encoding="utf-8"))
    taking = set()
    for path, verbs in schema["paths"].items():
        for verb in verbs.values():
            if not isinstance(verb, dict) or "requestBody" not in verb:
                continue
            if _names_value_date(verb["requestBody"], schema["components"]["schemas"], set()):
                taking.add(path)
    assert taking == {*ROUTES, LATER}


def test_a_refusal_is_told_again_word_for_word(acme: Api) -> None:
    key = {"Idempotency-Key": "old-1"}
    first = acme.deposit("alice", "5.00", valueDate=IN_IT, headers=key)
    again = acme.deposit("alice", "5.00", valueDate=IN_IT, headers=key)
    assert again.headers["idempotent-replayed"] == "true"
    told = [{**reply.json, "timestamp": "", "requestId": ""} for reply in (first, again)]
    assert told[0] == told[1]


def test_what_was_posted_before_the_close_is_told_again_after_it(
    acme: Api, client_acme: Company
) -> None:
    key = {"Idempotency-Key": "early"}
    first = acme.deposit("alice", "5.00", valueDate=EARLIEST, headers=key)
    close(client_acme.id, month_ago(2))
    again = acme.deposit("alice", "5.00", valueDate=EARLIEST, headers=key)
    assert (again.status, again.body) == (201, first.body)


def test_another_client_is_not_closed(globex: Api, charlie: WalletIdentity) -> None:
    assert globex.deposit("charlie", "5.00", valueDate=IN_IT).status == 201


def _names_value_date(part: Any, schemas: dict[str, Any], seen: set[str]) -> bool:
    if isinstance(part, list):
        return any(_names_value_date(one, schemas, seen) for one in part)
    if not isinstance(part, dict):
        return False
    if "valueDate" in part.get("properties", {}):
        return True
    name = str(part.get("$ref", "")).rpartition("/")[2]
    if name in schemas and name not in seen:
        return _names_value_date(schemas[name], schemas, seen | {name})
    return any(_names_value_date(one, schemas, seen) for one in part.values())
