"""Which buckets a call takes from, and how a refusal is worded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.api.callers import ACME
from wallet_project.kit.rate_limit import decide
from wallets.api import throttling
from wallets.api.errors import BulkExceedsPlan, RateLimited
from wallets.api.throttling import NO_LIMIT, RouteClass
from wallets.credentials import Allowance

NOW = 1_700_000_000_000


def taken(*args: Any, **more: Any) -> list[tuple[str, int, int]]:
    buckets = throttling.client_buckets(ACME, *args, **more)
    return [(one.name, one.limit, one.weight) for one in buckets]


def test_a_call_takes_one_request_and_a_withdrawal_one_of_both() -> None:
    assert taken() == [("requests", 100, 1)]
    assert taken(RouteClass.WITHDRAWAL) == [("requests", 100, 1), ("withdrawals", 10, 1)]


def test_a_list_takes_each_command_and_each_withdrawal_in_it() -> None:
    assert taken(weight=7) == [("requests", 100, 7)]
    assert taken(weight=7, withdrawals=3) == [("requests", 100, 7), ("withdrawals", 10, 3)]
    assert taken(weight=0, withdrawals=1) == [("requests", 100, 0), ("withdrawals", 10, 1)]


def test_a_plan_without_numbers_is_counted_too() -> None:
    free = replace(ACME, allowance=Allowance("unlimited", None, None))
    buckets = throttling.client_buckets(free, RouteClass.WITHDRAWAL)
    assert [one.limit for one in buckets] == [NO_LIMIT, NO_LIMIT]


def test_clients_share_nothing_and_one_clients_buckets_share_a_slot(settings: Any) -> None:
    settings.REDIS_KEY_PREFIX = "shop."
    keys = [one.key for one in throttling.client_buckets(ACME, RouteClass.WITHDRAWAL)]
    assert keys == ["shop.rate:{c7}:requests", "shop.rate:{c7}:withdrawals"]
    assert throttling.client_buckets(replace(ACME, client=8))[0].key != keys[0]


@pytest.mark.parametrize(
    ("peer", "owner"),
    [
        ("192.0.2.9", "a192.0.2.9"),
        ("::ffff:192.0.2.9", "a192.0.2.9"),
        ("2001:db8:0:1:aaaa::1", "a2001:db8:0:1::/64"),
        ("2001:db8:0:1:bbbb::2", "a2001:db8:0:1::/64"),
        ("fe80::1%eth0", "afe80::/64"),
        ("", "aunknown"),
        ("a}{b", "aunknown"),
    ],
)
def test_addresses(settings: Any, peer: str, owner: str) -> None:
    settings.REDIS_KEY_PREFIX = ""
    assert throttling.address_bucket(peer).key == f"rate:{{{owner}}}:address"


def test_a_refusal_tells_limit_and_moment() -> None:
    buckets = throttling.client_buckets(ACME, RouteClass.WITHDRAWAL)
    verdict = decide(buckets, [(5, NOW + 1_000), (10, NOW + 30_000)], NOW)
    refusal = throttling.refusal_of(verdict)
    assert refusal is not None
    assert refusal.retry_after_seconds == 30
    assert refusal.data == {
        "bucket": "withdrawals",
        "limit": 10,
        "resetAt": "2023-11-14T22:13:50.000000Z",
    }
    assert "10 withdrawals in 60 seconds" in refusal.detail
    with pytest.raises(RateLimited):
        throttling.hold_to(verdict)
    throttling.hold_to(decide(buckets, [(5, NOW + 1_000), (9, NOW + 30_000)], NOW))


@pytest.mark.parametrize(("commands", "withdrawals"), [(101, 0), (101, 10), (50, 11)])
def test_a_list_that_never_fits(commands: int, withdrawals: int) -> None:
    with pytest.raises(BulkExceedsPlan):
        throttling.check_list(ACME, commands, withdrawals)


def test_a_list_that_may_fit() -> None:
    throttling.check_list(ACME, 100, 10)
    throttling.check_list(replace(ACME, allowance=Allowance("free", None, None)), 1000, 1000)
