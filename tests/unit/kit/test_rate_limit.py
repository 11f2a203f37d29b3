"""Windows, what is taken from them, and what callers are told; without Redis."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from wallet_project.kit import rate_limit
from wallet_project.kit.rate_limit import Bucket, LocalWindows, RateLimiter, decide

NOW = 1_700_000_000_000
REQUESTS = Bucket("requests", "r", 100)
WITHDRAWALS = Bucket("withdrawals", "w", 10)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = NOW / 1000

    def __call__(self) -> float:
        return self.seconds


def test_a_window_opens_with_the_first_unit() -> None:
    verdict = decide([REQUESTS], [(0, 0)], NOW)
    assert verdict.allowed
    assert (verdict.levels[0].used, verdict.levels[0].ends_ms) == (1, NOW + 60_000)


@pytest.mark.parametrize(
    ("used", "ends_ms", "allowed", "used_after"),
    [
        (99, NOW + 1, True, 100),
        (100, NOW + 1, False, 100),
        (100, NOW, True, 1),  # over this very millisecond
        (100, NOW - 1, True, 1),
        (100, NOW + 60_000, False, 100),
        (100, NOW + 60_001, True, 1),  # the clock was set back: the window is no longer believed
        (500, NOW + 1, False, 500),  # the plan has shrunk
    ],
)
def test_the_edges_of_a_window(used: int, ends_ms: int, allowed: bool, used_after: int) -> None:
    verdict = decide([REQUESTS], [(used, ends_ms)], NOW)
    assert (verdict.allowed, verdict.levels[0].used) == (allowed, used_after)
    assert 0 <= verdict.levels[0].remaining <= 100


def test_all_buckets_or_none() -> None:
    verdict = decide([REQUESTS, WITHDRAWALS], [(3, NOW + 5_000), (10, NOW + 7_000)], NOW)
    assert not verdict.allowed
    assert [level.used for level in verdict.levels] == [3, 10]
    assert verdict.tightest.bucket is WITHDRAWALS


def test_a_weight_counts_as_many() -> None:
    ten = Bucket("requests", "r", 100, weight=10)
    assert decide([ten], [(90, NOW + 1)], NOW).levels[0].used == 100
    assert not decide([ten], [(91, NOW + 1)], NOW).allowed


def test_looking_takes_nothing_and_is_never_refused() -> None:
    look = Bucket("requests", "r", 100, weight=0)
    for used in (0, 100, 500):
        verdict = decide([look], [(used, NOW + 1)], NOW)
        assert (verdict.allowed, verdict.levels[0].used) == (True, used)


def test_headers_tell_the_tightest_bucket_and_list_all() -> None:
    verdict = decide([REQUESTS, WITHDRAWALS], [(40, NOW + 20_500), (2, NOW + 59_001)], NOW)
    assert verdict.headers() == {
        "X-RateLimit-Limit": "10",
        "X-RateLimit-Remaining": "7",
        "X-RateLimit-Reset": str((NOW + 60_000) // 1000),
        "RateLimit-Policy": '"requests";q=100;w=60, "withdrawals";q=10;w=60',
        "RateLimit": '"requests";r=59;t=21, "withdrawals";r=7;t=60',
    }


def test_the_wait_is_rounded_up_and_is_that_of_the_last_bucket_to_refuse() -> None:
    full = [(100, NOW + 1_001), (10, NOW + 30_001)]
    verdict = decide([REQUESTS, WITHDRAWALS], full, NOW)
    assert verdict.retry_after_seconds == 31
    assert decide([REQUESTS], full[:1], NOW).retry_after_seconds == 2
    assert decide([REQUESTS], [(100, NOW + 1)], NOW).retry_after_seconds == 1


def test_whoever_waits_as_told_comes_in() -> None:
    clock = Clock()
    windows = LocalWindows(now=clock)
    two = Bucket("requests", "r", 2)
    assert [windows.take([two]).allowed for _ in range(3)] == [True, True, False]
    clock.seconds += 59.5
    refused = windows.take([two])
    assert not refused.allowed
    assert int(refused.headers()["X-RateLimit-Reset"]) >= NOW / 1000 + 60
    clock.seconds += refused.retry_after_seconds
    assert windows.take([two]).allowed


def test_a_refused_call_takes_from_no_bucket() -> None:
    windows = LocalWindows(now=Clock())
    one = Bucket("withdrawals", "w", 1)
    assert windows.take([REQUESTS, one]).allowed
    assert [windows.take([REQUESTS, one]).allowed for _ in range(5)] == [False] * 5
    assert windows.take([REQUESTS]).levels[0].used == 2


def test_many_threads_take_exactly_the_limit() -> None:
    windows = LocalWindows()
    with ThreadPoolExecutor(20) as pool:
        taken = list(pool.map(lambda _: windows.take([REQUESTS]).allowed, range(500)))
    assert taken.count(True) == 100


def test_the_windows_of_a_process_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "_LOCAL_BUCKETS", 10)
    windows = LocalWindows(now=Clock())
    for number in range(100):
        windows.take([Bucket("address", f"a{number}", 1)])
    assert windows.take([Bucket("address", "a0", 1)]).allowed  # forgotten
    assert not windows.take([Bucket("address", "a99", 1)]).allowed  # remembered


def test_without_redis_the_process_counts_and_nobody_calls_it_a_fallback() -> None:
    told: list[bool] = []
    limiter = RateLimiter("", on_fallback=told.append)
    two = Bucket("requests", "r", 2)
    assert [limiter.take([two]).allowed for _ in range(3)] == [True, True, False]
    assert told == []
