"""Trips of an event loop to a real Redis: exact among many callers, and nobody's outage."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.conf import settings

from tests.integration.kit.redis_gate import RedisGate
from wallet_project.kit import group_fetch
from wallet_project.kit.group_fetch import GroupFetch
from wallet_project.kit.rate_limit import Bucket, LocalWindows
from wallet_project.kit.versioned_cache import Copy

pytestmark = pytest.mark.full_stack


def bucket(limit: int, weight: int = 1, name: str = "requests") -> Bucket:
    return Bucket(name, f"test:{{{uuid4()}}}:{name}", limit, weight)


def run(
    url: str, test: Callable[[GroupFetch], Awaitable[Any]], told: list[bool] | None = None
) -> Any:
    """Run a test on a loop of its own."""

    async def whole() -> Any:
        fetch = GroupFetch(
            url,
            local=LocalWindows(),
            kept=timedelta(seconds=10),
            on_fallback=(told if told is not None else []).append,
        )
        try:
            return await test(fetch)
        finally:
            await fetch.close()

    return asyncio.run(whole())


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisGate]:
    with RedisGate(settings.REDIS_URL) as made:
        monkeypatch.setattr(settings, "REDIS_URL", made.url)  # the breaker's probe asks there
        yield made


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a busy machine a second where the test is not about the wait."""
    monkeypatch.setattr(group_fetch, "TRIP_SECONDS", 1.0)


def copy(key: str, version: int, text: str = "x") -> Copy:
    return Copy(key, version, datetime.now(UTC), text)


@pytest.mark.parametrize("limit", [0, 1, 60, 99, 100, 200])
def test_a_crowd_gets_exactly_the_limit_in_one_trip(limit: int) -> None:
    async def test(fetch: GroupFetch) -> list[tuple[bool, int]]:
        one = bucket(limit)
        verdicts = await asyncio.gather(*(fetch.take((one,)) for _ in range(100)))
        return [(verdict.allowed, verdict.tightest.remaining) for verdict in verdicts]

    told = run(settings.REDIS_URL, test)
    granted = min(limit, 100)
    # Each is told what is left after it, as if they had come one after the other.
    assert told[:granted] == [(True, limit - place) for place in range(1, granted + 1)]
    assert told[granted:] == [(False, 0)] * (100 - granted)


def test_callers_with_different_buckets_share_a_trip() -> None:
    async def test(fetch: GroupFetch) -> list[bool]:
        shared, own = bucket(5), bucket(2, name="withdrawals")
        plain = [fetch.take((shared,)) for _ in range(2)]
        withdrawing = [fetch.take((shared, own)) for _ in range(3)]
        return [(await one).allowed for one in (*plain, *withdrawing)]

    assert run(settings.REDIS_URL, test) == [True, True, True, True, False]


def test_a_redis_that_forgot_the_script_is_told_again() -> None:
    async def test(fetch: GroupFetch) -> tuple[int, int]:
        one = bucket(10)
        await fetch.take((one,))
        with redis.Redis.from_url(settings.REDIS_URL) as direct:
            direct.script_flush()
        verdicts = await asyncio.gather(*(fetch.take((one,)) for _ in range(3)))
        return tuple(sorted(verdict.tightest.remaining for verdict in verdicts))  # type: ignore[return-value]

    assert run(settings.REDIS_URL, test) == (6, 7, 8)


def test_copies_move_forward_only_and_are_found() -> None:
    async def test(fetch: GroupFetch) -> list[Any]:
        key = f"test:{uuid4()}"
        await asyncio.gather(fetch.put([copy(key, 3, "new")]), fetch.put([copy(key, 2, "old")]))
        await fetch.put([copy(key, 1, "older")])
        nothing = fetch.get(f"{key}:other")
        return [await fetch.get(key), await nothing]

    assert run(settings.REDIS_URL, test) == [(3, "new"), None]


def test_without_redis_the_process_counts_and_there_are_no_copies() -> None:
    async def test(fetch: GroupFetch) -> None:
        one = bucket(2)
        assert [(await fetch.take((one,))).allowed for _ in range(3)] == [True, True, False]
        await fetch.put([copy("test:x", 1)])
        assert await fetch.get("test:x") is None

    run("", test)


def test_a_redis_that_goes_away_and_comes_back(gate: RedisGate) -> None:
    told: list[bool] = []

    async def test(fetch: GroupFetch) -> None:
        one, key = bucket(100), f"test:{uuid4()}"
        await fetch.take((one,))
        await fetch.put([copy(key, 1)])
        gate.go_away()
        verdicts = await asyncio.gather(*(fetch.take((one,)) for _ in range(5)))
        assert [verdict.tightest.remaining for verdict in verdicts] == [99, 98, 97, 96, 95]
        while not told:  # one trip is no outage yet
            assert await fetch.get(key) is None
        gate.come_back()
        deadline = time.monotonic() + 5
        while await fetch.get(key) is None:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
        assert (await fetch.take((one,))).tightest.remaining == 98

    run(gate.url, test, told)
    assert told == [True, False]


def test_a_mute_redis_costs_one_wait_and_its_late_answers_confuse_nobody(
    gate: RedisGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_fetch, "TRIP_SECONDS", 0.2)

    async def test(fetch: GroupFetch) -> None:
        keys = [f"test:{uuid4()}" for _ in range(2)]
        for key in keys:
            await fetch.put([copy(key, 1, key)])
        gate.fall_silent()
        started = time.monotonic()
        assert await asyncio.gather(*(fetch.get(keys[0]) for _ in range(20))) == [None] * 20
        assert await fetch.get(keys[0]) is None  # at once: it has just been silent
        assert time.monotonic() - started < 2
        gate.go_on()
        deadline = time.monotonic() + 5
        while (found := await fetch.get(keys[1])) is None:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
        assert found == (1, keys[1])

    run(gate.url, test)
