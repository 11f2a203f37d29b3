"""Limits on a real Redis: exact among many callers, and nobody's outage."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from uuid import uuid4

import pytest
import redis
from django.conf import settings

from tests.integration.kit.redis_gate import RedisGate
from wallet_project.kit import breaker, rate_limit, servers
from wallet_project.kit.rate_limit import Bucket, RateLimiter, decide

pytestmark = pytest.mark.full_stack


def bucket(limit: int, weight: int = 1, name: str = "requests", window: int = 60) -> Bucket:
    return Bucket(name, f"test:{{{uuid4()}}}:{name}", limit, weight, window)


def taken_by_threads(url: str, one: Bucket, calls: int) -> int:
    """Count how many of many calls at once got a unit from Redis; a process may start this."""
    told: list[bool] = []
    limiter = RateLimiter(url, on_fallback=told.append)
    with ThreadPoolExecutor(20) as pool:
        verdicts = list(pool.map(lambda _: limiter.take([one]), range(calls)))
    limiter.close()
    assert told == []
    return sum(verdict.allowed for verdict in verdicts)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisGate]:
    with RedisGate(settings.REDIS_URL) as made:
        monkeypatch.setattr(settings, "REDIS_URL", made.url)  # the breaker's probe asks there
        yield made


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a busy machine a second where the test is not about the wait."""
    monkeypatch.setattr(rate_limit, "REDIS_SECONDS", 1.0)


def test_exactly_the_limit_passes() -> None:
    assert taken_by_threads(settings.REDIS_URL, bucket(100), 300) == 100


def test_exactly_the_limit_passes_through_two_processes() -> None:
    one = bucket(100)
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawning) as pool:
        work = [pool.submit(taken_by_threads, settings.REDIS_URL, one, 150) for _ in range(2)]
        assert sum(each.result(timeout=60) for each in work) == 100


def test_the_script_decides_as_the_process_does() -> None:
    limiter = RateLimiter(settings.REDIS_URL, on_fallback=lambda _: None)
    generator = random.Random(7)
    keys = [(bucket(20).key, 20), (bucket(9).key, 9), (bucket(10**9).key, 10**9)]
    kept: dict[str, tuple[int, int]] = {}
    refused = 0
    for _ in range(300):
        asked = [
            Bucket(str(number), key, limit, generator.choice((0, 1, 1, 2, 5)), window_seconds=1)
            for number, (key, limit) in enumerate(keys)
            if generator.random() < 0.7
        ]
        if not asked:
            continue
        real = limiter.take(asked)
        expected = decide(asked, [kept.get(one.key, (0, 0)) for one in asked], real.now_ms)
        assert real == expected
        refused += not real.allowed
        for level in real.levels:
            if real.allowed and level.bucket.weight:
                kept[level.bucket.key] = (level.used, level.ends_ms)
        time.sleep(0.01)  # so that some windows end
    assert 20 < refused < 280
    limiter.close()


def test_nothing_stays_in_redis_after_its_window() -> None:
    one = bucket(5, window=1)
    looked_at = bucket(5, weight=0)
    limiter = RateLimiter(settings.REDIS_URL, on_fallback=lambda _: None)
    limiter.take([one])
    limiter.take([looked_at])
    with redis.Redis.from_url(settings.REDIS_URL) as connection:
        assert 0 < connection.pttl(one.key) <= 1000
        assert not connection.exists(looked_at.key)
    limiter.close()


def test_a_redis_that_has_forgotten_the_script() -> None:
    told: list[bool] = []
    limiter = RateLimiter(settings.REDIS_URL, on_fallback=told.append)
    one = bucket(5)
    for number in range(1, 4):
        with redis.Redis.from_url(settings.REDIS_URL) as connection:
            connection.script_flush()
        assert limiter.take([one]).levels[0].used == number
    assert told == []
    limiter.close()


def timed_take(limiter: RateLimiter, one: Bucket) -> tuple[int, float]:
    began = time.perf_counter()
    used = limiter.take([one]).levels[0].used
    return used, time.perf_counter() - began


@pytest.mark.parametrize("fault", ["silent", "gone"])
def test_an_outage_costs_some_calls_a_moment_and_ends_by_itself(
    gate: RedisGate, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(rate_limit, "REDIS_SECONDS", 0.2)
    told: list[bool] = []
    limiter = RateLimiter(gate.url, on_fallback=told.append)
    one = bucket(100)
    assert [limiter.take([one]).levels[0].used for _ in range(3)] == [1, 2, 3]

    (gate.fall_silent if fault == "silent" else gate.go_away)()
    slow = [timed_take(limiter, one) for _ in range(breaker.FAILURES)]
    # This process begins a count of its own.
    assert ([used for used, _ in slow], told) == (list(range(1, breaker.FAILURES + 1)), [True])
    assert max(seconds for _, seconds in slow) < 0.3
    quick = [timed_take(limiter, one) for _ in range(50)]
    assert [used for used, _ in quick] == list(range(6, 56))
    assert sum(seconds for _, seconds in quick) < 0.2

    time.sleep(2 * servers.RETRY_SECONDS)
    assert timed_take(limiter, one)[1] < 0.1  # the probe has looked in vain, and no caller does

    (gate.go_on if fault == "silent" else gate.come_back)()
    deadline = time.monotonic() + 5 * servers.RETRY_SECONDS
    while servers.redis.is_open:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    # Redis still has its count; what a silent one got before may have been counted there, too.
    assert 4 <= limiter.take([one]).levels[0].used <= 10
    assert told == [True, False]
    limiter.close()


def test_a_limit_holds_in_the_process_during_an_outage(gate: RedisGate) -> None:
    limiter = RateLimiter(gate.url, on_fallback=lambda _: None)
    gate.go_away()
    one = bucket(100)
    with ThreadPoolExecutor(20) as pool:
        verdicts = list(pool.map(lambda _: limiter.take([one]).allowed, range(300)))
    assert verdicts.count(True) == 100
    limiter.close()


def test_a_key_that_somebody_else_has_taken_turns_nobody_away() -> None:
    told: list[bool] = []
    one = bucket(5)
    with redis.Redis.from_url(settings.REDIS_URL) as connection:
        connection.set(one.key, "not ours", ex=60)
    limiter = RateLimiter(settings.REDIS_URL, on_fallback=told.append)
    assert limiter.take([one]).allowed
    assert told == []  # Redis is there, and has said no
    limiter.close()
