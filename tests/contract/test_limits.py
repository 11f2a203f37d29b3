"""How much a caller may ask for, what every answer tells of it, and what is told to too many."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

from tests.contract.assertions import is_problem, nothing_happens, tells_limits
from tests.http import Api, InProcess, Reply
from tests.operations import accept
from tests.people import Company, fund, refusals, wallet_of
from tests.unit.api.callers import call
from wallets import credentials
from wallets.api import authentication, errors, throttling
from wallets.identity import WalletIdentity
from wallets.models import Client, Plan
from wallets.operations.create_client import create_client


@pytest.fixture(autouse=True)
def own_buckets(settings: Any) -> None:
    """Count from zero, also where the run's Redis remembers other tests."""
    settings.REDIS_KEY_PREFIX = f"test-{uuid4()}."


@pytest.fixture
def shop(database: None) -> Company:
    """A client on the plan that everybody gets."""
    made = create_client(name="shop")
    return Company(made.client, "shop", made.key)


@pytest.fixture
def till(shop: Company) -> WalletIdentity:
    """A wallet of the shop's with 100.00."""
    wallet = wallet_of(shop, "till")
    fund(wallet, 10_000)
    return wallet


def left(reply: Reply) -> tuple[int, int]:
    tells_limits(reply)
    headers = reply.headers
    return int(headers["x-ratelimit-limit"]), int(headers["x-ratelimit-remaining"])


def is_refused(reply: Reply, bucket: str, limit: int) -> None:
    is_problem(reply, 429, "rate_limited")
    assert (reply.json["bucket"], reply.json["limit"]) == (bucket, limit)
    wait = int(reply.headers["retry-after"])
    assert 1 <= wait <= 60
    assert abs(int(reply.headers["x-ratelimit-reset"]) - time.time() - wait) <= 2
    assert left(reply) == (limit, 0)


def test_the_default_plan_is_a_hundred_requests_a_minute(
    shop: Company, till: WalletIdentity
) -> None:
    api = Api(shop.key)
    before = REGISTRY.get_sample_value("wallet_throttled_total", {"bucket": "requests"}) or 0
    replies = [api.get("/wallets/till") for _ in range(100)]
    assert [left(reply) for reply in replies] == [(100, 99 - n) for n in range(100)]
    assert {reply.status for reply in replies} == {200}
    with nothing_happens():
        is_refused(api.get("/wallets/till"), "requests", 100)
        is_refused(api.deposit("till", "1.00"), "requests", 100)
        is_refused(api.withdraw("till", "1.00"), "requests", 100)
    after = REGISTRY.get_sample_value("wallet_throttled_total", {"bucket": "requests"})
    assert after == before + 3


def test_a_withdrawal_that_is_accepted_for_later_is_one(
    shop: Company, till: WalletIdentity
) -> None:
    api = Api(shop.key)
    replies = [accept(api, "WITHDRAW", "till", "1.00") for _ in range(5)]
    replies += [api.withdraw("till", "1.00") for _ in range(5)]
    assert [reply.status for reply in replies] == [202] * 5 + [201] * 5
    assert [left(reply) for reply in replies] == [(10, 9 - n) for n in range(10)]
    with nothing_happens():
        is_refused(accept(api, "WITHDRAW", "till", "1.00"), "withdrawals", 10)
    assert accept(api, "DEPOSIT", "till", "1.00").status == 202


def test_and_ten_withdrawals(shop: Company, till: WalletIdentity) -> None:
    api = Api(shop.key)
    replies = [api.withdraw("till", "1.00") for _ in range(10)]
    assert [reply.status for reply in replies] == [201] * 10
    assert [left(reply) for reply in replies] == [(10, 9 - n) for n in range(10)]
    assert replies[-1].headers["ratelimit-policy"] == (
        '"requests";q=100;w=60, "withdrawals";q=10;w=60'
    )
    with nothing_happens():
        is_refused(api.withdraw("till", "1.00"), "withdrawals", 10)
    # What is turned away takes nothing, and all else goes on.
    assert left(api.deposit("till", "1.00")) == (100, 89)
    wallet_of(shop, "safe")
    assert api.transfer("till", "safe", "1.00").status == 201
    assert api.get("/wallets/till/withdraw").status == 405


def test_a_refused_call_changes_nothing_and_burns_no_key(
    shop: Company, till: WalletIdentity
) -> None:
    api = Api(shop.key)
    for _ in range(10):
        api.withdraw("till", "1.00")
    key = {"Idempotency-Key": "k-1"}
    with nothing_happens():
        for body in ({"amount": "1.00"}, {"amount": "nonsense"}, b"{", None):
            reply = api.post("/wallets/till/withdraw", body, headers=key)
            is_refused(reply, "withdrawals", 10)
            assert reply.headers["idempotency-key"] == "k-1"
        is_refused(api.post("/wallets/nobody/withdraw", {}), "withdrawals", 10)
    assert refusals() == []
    _set_plan(shop, "unlimited")
    done = api.withdraw("till", "1.00", headers=key)
    assert (done.status, "idempotent-replayed" in done.headers) == (201, False)


def test_a_repeat_counts_like_any_call(shop: Company, till: WalletIdentity) -> None:
    api = Api(shop.key)
    key = {"Idempotency-Key": "k-1"}
    first = api.withdraw("till", "1.00", headers=key)
    again = api.withdraw("till", "1.00", headers=key)
    assert again.body == first.body
    assert (left(first), left(again)) == ((10, 9), (10, 8))


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/wallets", None, 200),
        ("HEAD", "/wallets/till", None, 200),
        ("OPTIONS", "/wallets", None, 204),
        ("POST", "/wallets", {}, 201),
        ("POST", "/wallets", b"{", 400),
        ("GET", "/wallets/nobody", None, 404),
        ("DELETE", "/wallets", None, 405),
        ("POST", "/wallets/till/withdraw", {"amount": "1000"}, 422),
    ],
)
def test_every_answer_tells(
    shop: Company, till: WalletIdentity, method: str, path: str, body: Any, status: int
) -> None:
    reply = Api(shop.key).call(method, path, body)
    assert reply.status == status
    assert left(reply) == ((10, 9) if path.endswith("withdraw") else (100, 99))


@pytest.mark.parametrize(
    ("method", "path", "body", "takes"),
    [
        ("GET", "/wallets/till/statement", None, 10),
        ("HEAD", "/wallets/till/statement", None, 10),
        ("GET", f"/statements/{uuid4()}", None, 10),
        ("POST", "/exports", {"nonsense": 1}, 10),
        ("GET", "/trial-balance", None, 10),
        ("POST", "/trial-balance", {}, 1),
        ("GET", "/exports", None, 1),
        ("GET", f"/exports/{uuid4()}", None, 1),
        ("GET", "/wallets/till/balance", None, 1),
        ("GET", "/wallets/till/transactions", None, 1),
        ("POST", "/wallets/till/deposit", {"amount": "1.00"}, 1),
    ],
)
def test_what_is_more_work_takes_more_whatever_its_answer(
    shop: Company, till: WalletIdentity, method: str, path: str, body: Any, takes: int
) -> None:
    assert left(Api(shop.key).call(method, path, body)) == (100, 100 - takes)


def test_what_does_not_fit_any_more_takes_nothing(shop: Company, till: WalletIdentity) -> None:
    api = Api(shop.key)
    for n in range(1, 10):
        assert left(api.get("/trial-balance")) == (100, 100 - 10 * n)
    assert left(api.get("/wallets/till")) == (100, 9)
    refused = api.get("/trial-balance")
    is_problem(refused, 429, "rate_limited")
    assert (refused.json["bucket"], left(refused)) == ("requests", (100, 9))
    assert left(api.get("/wallets/till")) == (100, 8)


def test_a_small_plan_has_one_statement_a_minute(shop: Company, till: WalletIdentity) -> None:
    Plan.objects.create(name="tiny", requests_per_minute=3, withdrawals_per_minute=1)
    try:
        _set_plan(shop, "tiny")
        api = Api(shop.key)
        done = api.get("/trial-balance")
        assert (done.status, left(done)) == (200, (3, 0))
        is_refused(api.get("/wallets"), "requests", 3)
    finally:
        _set_plan(shop, "default")
        Plan.objects.filter(name="tiny").delete()


def test_also_where_nothing_changed_and_on_a_bad_key(shop: Company, till: WalletIdentity) -> None:
    api = Api(shop.key)
    etag = api.get("/wallets/till").headers["etag"]
    same = api.get("/wallets/till", headers={"If-None-Match": etag})
    assert (same.status, left(same)) == (304, (100, 98))
    bad = api.post("/wallets", {}, headers={"Idempotency-Key": "é"})
    is_problem(bad, 400, "invalid_idempotency_key")
    assert left(bad) == (100, 97)


def test_plans_are_rows(shop: Company, till: WalletIdentity) -> None:
    Plan.objects.create(name="tiny", requests_per_minute=3, withdrawals_per_minute=1)
    try:
        _set_plan(shop, "tiny")
        api = Api(shop.key)
        assert api.withdraw("till", "1.00").status == 201
        is_refused(api.withdraw("till", "1.00"), "withdrawals", 1)
        assert left(api.get("/wallets")) == (3, 1)
        assert left(api.get("/wallets")) == (3, 0)
        is_refused(api.get("/wallets"), "requests", 3)
        _set_plan(shop, "demo")
        assert left(api.get("/wallets")) == (100_000, 99_996)
        _set_plan(shop, "unlimited")
        assert left(api.withdraw("till", "1.00"))[0] == throttling.NO_LIMIT
    finally:
        _set_plan(shop, "default")
        Plan.objects.filter(name="tiny").delete()


def test_clients_do_not_use_up_each_others(shop: Company, globex: Api) -> None:
    for _ in range(100):
        Api(shop.key).get("/wallets/x")
    assert Api(shop.key).get("/wallets").status == 429
    assert globex.get("/wallets").status == 200


def test_guessing_keys_is_slowed_and_nobody_else(shop: Company, settings: Any) -> None:
    settings.ADDRESS_REQUESTS_PER_MINUTE = 5
    guesser = Api("abcdefghijkl." + "A" * 43)
    guesses = [guesser.get("/wallets") for _ in range(3)]
    assert [left(is_problem(one, 401, "unauthenticated")) for one in guesses] == [
        (5, 4 - n) for n in range(3)
    ]
    # Paths that do not exist are nobody's either.
    is_problem(Api(shop.key).get("/nothing"), 404, "route_not_found")
    is_problem(guesser.get("/wallets", headers={"Host": "evil.example"}), 400, "bad_request")
    for refused in (guesser.get("/wallets"), Api().get("/wallets"), guesser.get("/nothing")):
        is_refused(refused, "address", 5)
        assert "www-authenticate" not in refused.headers
    assert Api(shop.key).get("/wallets").status == 200
    elsewhere = Api(guesser.key, InProcess(REMOTE_ADDR="192.0.2.10"))
    is_problem(elsewhere.get("/wallets"), 401, "unauthenticated")
    # A header is no address.
    spoofed = {"X-Forwarded-For": "192.0.2.77", "Forwarded": "for=192.0.2.77"}
    is_refused(guesser.get("/wallets", headers=spoofed), "address", 5)


def test_a_fault_of_ours_costs_no_address_anything(
    shop: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(credentials, "find", fail)
    replies = [Api(shop.key).get("/wallets") for _ in range(3)]
    assert [left(is_problem(one, 500, "internal_error")) for one in replies] == [(600, 600)] * 3


@pytest.mark.parametrize("path", ["/health/live", "/api/docs/", "/api/schema/", "/problems"])
def test_health_and_documents_are_not_counted(database: None, settings: Any, path: str) -> None:
    settings.ADDRESS_REQUESTS_PER_MINUTE = 1
    Api().get("/wallets")
    for _ in range(3):
        reply = Api().get(path, from_root=True)
        assert reply.status == 200
        assert "x-ratelimit-limit" not in reply.headers


def test_a_list_counts_each_command(shop: Company) -> None:
    """What a route for lists calls after its list is read; the call itself counts as one before."""
    principal = authentication.authenticate(
        call(headers={"authorization": f"Bearer {shop.key}"}),
    )
    asked = call("POST")
    throttling.hold_to(throttling.charge(asked, principal))
    throttling.charge_list(asked, principal, commands=60, withdrawals=10)
    assert asked.limits["RateLimit"].startswith('"requests";r=40;')
    assert asked.limits["X-RateLimit-Remaining"] == "0"
    with pytest.raises(errors.RateLimited):
        throttling.charge_list(asked, principal, commands=42, withdrawals=0)
    with pytest.raises(errors.RateLimited):
        throttling.charge_list(asked, principal, commands=1, withdrawals=1)
    with pytest.raises(errors.BulkExceedsPlan):
        throttling.charge_list(asked, principal, commands=101, withdrawals=0)
    throttling.charge_list(asked, principal, commands=41, withdrawals=0)
    assert asked.limits["X-RateLimit-Remaining"] == "0"


def _set_plan(company: Company, plan: str) -> None:
    Client.objects.filter(pk=company.id).update(plan=Plan.objects.get(name=plan))
    credentials.forget_all()


class TestBulk:
    """A list counts each of its commands, withdrawals in both buckets."""

    def test_takes_as_many_requests_as_it_has_commands(
        self, shop: Company, till: WalletIdentity
    ) -> None:
        reply = Api(shop.key).post("/transactions/bulk", bulk("deposit", 40))

        assert reply.status == 200
        assert left(reply)[1] == 60

    def test_beyond_the_plan_is_refused_whole_and_for_good(
        self, shop: Company, till: WalletIdentity
    ) -> None:
        with nothing_happens():
            reply = Api(shop.key).post("/transactions/bulk", bulk("withdraw", 11))

        is_problem(reply, 422, "bulk_exceeds_plan")

    def test_beyond_what_is_left_waits(self, shop: Company, till: WalletIdentity) -> None:
        api = Api(shop.key)
        assert api.post("/transactions/bulk", bulk("withdraw", 6)).status == 200

        with nothing_happens():
            reply = api.post("/transactions/bulk", bulk("withdraw", 5, start=6))

        is_problem(reply, 429, "rate_limited")


def bulk(kind: str, count: int, *, start: int = 0) -> Any:
    """Ask for so many movements of 1.00 on the till."""
    return {
        "transactions": [
            {"type": kind, "walletId": "till", "amount": "1.00", "referenceId": f"{kind}-{number}"}
            for number in range(start, start + count)
        ]
    }
