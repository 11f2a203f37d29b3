"""How much a caller may ask for: which buckets a call takes from, and what follows.

What is decided stands in functions without I/O; `charge…` and `look_at_address` are their
adapters for a binding that waits in a thread.
"""

from __future__ import annotations

import ipaddress
from enum import Enum
from functools import cache
from typing import Final

from django.conf import settings

from wallet_project.kit import clock
from wallet_project.kit.in_flight import InFlight
from wallet_project.kit.rate_limit import Bucket, RateLimiter, Verdict
from wallets import metrics
from wallets.api.authentication import Principal
from wallets.api.calls import Call
from wallets.api.errors import BulkExceedsPlan, RateLimited, TooManyAtOnce

REQUESTS: Final = "requests"
WITHDRAWALS: Final = "withdrawals"
ADDRESS: Final = "address"
AT_ONCE: Final = "at_once"
"""What metrics call it when a client has too many calls under way; no bucket, for it refills with
every answer."""

web_calls: Final = InFlight()
"""The calls by client that threads of this process work on."""

NO_LIMIT: Final = 1_000_000_000
"""Units a minute where a plan names no number: out of reach, and counted like any other limit, so
that every answer carries the same headers."""

HEAVY: Final = 10
"""Requests that a call takes which makes a statement, an export or a sum over many rows."""

_IPV6_HOST_BITS: Final = 64


class RouteClass(Enum):
    """What a route counts as."""

    REQUEST = "request"
    WITHDRAWAL = "withdrawal"
    """A request that takes from the withdrawals, too."""


class ReadClass(Enum):
    """How much work a look at a route is."""

    ONE = "one"
    """One thing, or a page of one wallet by its index."""
    LIST = "list"
    STATEMENT = "statement"
    """A statement, an export, or a sum over many rows."""


def client_buckets(
    principal: Principal,
    route_class: RouteClass = RouteClass.REQUEST,
    weight: int = 1,
    *,
    withdrawals: int | None = None,
) -> tuple[Bucket, ...]:
    """List what a client's call takes: `weight` requests, and as many withdrawals if the route is
    one; `withdrawals` names another number, for a list in which only some are."""
    granted = principal.allowance
    if withdrawals is None:
        withdrawals = weight if route_class is RouteClass.WITHDRAWAL else 0
    buckets = [
        _bucket(REQUESTS, f"c{principal.client}", granted.requests_per_minute, weight),
    ]
    if withdrawals:
        limit = granted.withdrawals_per_minute
        buckets.append(_bucket(WITHDRAWALS, f"c{principal.client}", limit, withdrawals))
    return tuple(buckets)


def weight_at_door(principal: Principal, weight: int) -> int:
    """Tell what a call takes that weighs so much: of a small plan all there is, so that a call
    which the client may make at all can be made once a minute."""
    most = principal.allowance.requests_per_minute
    return weight if most is None else min(weight, max(most, 1))


def address_bucket(peer: str, weight: int = 1) -> Bucket:
    """Name the bucket of an address. An IPv6 host owns a /64 and could take a new one each call;
    what is no address is a Unix socket's other end, one for all."""
    limit = settings.ADDRESS_REQUESTS_PER_MINUTE
    return _bucket(ADDRESS, f"a{_network_of(peer)}", limit, weight)


def refusal_of(verdict: Verdict) -> RateLimited | None:
    """Put a verdict into words if it refuses."""
    if verdict.allowed:
        return None
    level = verdict.tightest
    return RateLimited(
        f"The limit is {level.bucket.limit} {_UNITS[level.bucket.name]} in "
        f"{level.bucket.window_seconds} seconds; the request had no effect.",
        retry_after_seconds=verdict.retry_after_seconds,
        bucket=level.bucket.name,
        limit=level.bucket.limit,
        resetAt=clock.rfc3339(clock.from_milliseconds(level.ends_ms)),
    )


def hold_to(verdict: Verdict) -> None:
    """Turn a call away if its verdict refuses it.

    :raises RateLimited: then.
    """
    refusal = refusal_of(verdict)
    if refusal is not None:
        metrics.THROTTLED.labels(verdict.tightest.bucket.name).inc()
        raise refusal


def enter(calls: InFlight, principal: Principal, most: int) -> None:
    """Count a call as under way; its end must be told to `calls`.

    :raises TooManyAtOnce: if the client has so many under way; it is not counted then.
    """
    if not calls.enter(principal.client, most):
        metrics.THROTTLED.labels(AT_ONCE).inc()
        raise TooManyAtOnce(
            f"{most} calls of yours are under way here; the request had no effect.", limit=most
        )


def check_list(principal: Principal, commands: int, withdrawals: int) -> None:
    """Refuse a list that would not fit into a whole minute of the plan.

    :raises BulkExceedsPlan: then.
    """
    for bucket in client_buckets(principal, weight=commands, withdrawals=withdrawals):
        if bucket.weight > bucket.limit:
            raise BulkExceedsPlan(
                f"The list has {bucket.weight} {_UNITS[bucket.name]}, the plan grants "
                f"{bucket.limit} in {bucket.window_seconds} seconds.",
                limit=bucket.limit,
            )


def charge(
    call: Call,
    principal: Principal,
    route_class: RouteClass = RouteClass.REQUEST,
    weight: int = 1,
    *,
    withdrawals: int | None = None,
) -> Verdict:
    """Take from a client's buckets and note what is left on the call; `hold_to` makes it bite."""
    buckets = client_buckets(principal, route_class, weight, withdrawals=withdrawals)
    return _take(call, buckets)


def charge_list(call: Call, principal: Principal, *, commands: int, withdrawals: int) -> None:
    """Take for a list of commands what was not taken at the door, where the call counted as one.

    :raises BulkExceedsPlan: if the list can never fit.
    :raises RateLimited: if it does not fit now; nothing is taken then.
    """
    check_list(principal, commands, withdrawals)
    verdict = charge(call, principal, weight=commands - 1, withdrawals=withdrawals)
    hold_to(verdict)


def charge_address(call: Call) -> Verdict:
    """Take from the bucket of the address, for a call that shows no valid key."""
    return _take(call, (address_bucket(call.peer),))


def look_at_address(call: Call) -> None:
    """Note the bucket of the address on a call that ended before anybody was charged."""
    if not call.limits:
        _take(call, (address_bucket(call.peer, weight=0),))


def forget_all() -> None:
    """Begin anew with the current settings; for tests."""
    limiter().close()
    limiter.cache_clear()


@cache
def limiter() -> RateLimiter:
    """Return this process' limiter."""
    return RateLimiter(settings.REDIS_URL, on_fallback=metrics.LIMITER_FALLBACK.set)


_UNITS: Final = {
    REQUESTS: "requests",
    WITHDRAWALS: "withdrawals",
    ADDRESS: "requests without a valid key",
}


def _take(call: Call, buckets: tuple[Bucket, ...]) -> Verdict:
    verdict = limiter().take(buckets)
    call.limits = verdict.headers()
    return verdict


def _bucket(name: str, owner: str, limit: int | None, weight: int) -> Bucket:
    key = f"{settings.REDIS_KEY_PREFIX}rate:{{{owner}}}:{name}"
    return Bucket(name, key, NO_LIMIT if limit is None else limit, weight)


def _network_of(peer: str) -> str:
    try:
        found = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, _IPV6_HOST_BITS), strict=False))
    return str(found)
