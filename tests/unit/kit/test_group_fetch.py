"""Trips that fail as nobody foresaw."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from wallet_project.kit.group_fetch import GroupFetch
from wallet_project.kit.rate_limit import Bucket, LocalWindows, Verdict


def test_what_nobody_foresaw_ends_one_trip_and_leaves_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test() -> list[int]:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        fetch = GroupFetch(
            "redis://127.0.0.1:1",
            local=LocalWindows(),
            kept=timedelta(seconds=10),
            on_fallback=lambda _: None,
        )
        trips = 0

        async def fail(trip: object) -> None:
            nonlocal trips
            trips += 1
            if trips == 1:
                # Somebody asks while the trip is under way, and must not be forgotten either.
                later.append(fetch.take((bucket,)))
            raise LookupError

        monkeypatch.setattr(fetch, "_run", fail)
        bucket = Bucket("requests", "r", 10)
        later: list[asyncio.Future[Verdict]] = []
        async with asyncio.timeout(5):
            first = await asyncio.gather(*(fetch.take((bucket,)) for _ in range(3)))
            assert await fetch.get("x") is None
            await fetch.put([])
            last = await fetch.take((bucket,))
            await later[0]
        return [verdict.tightest.remaining for verdict in (*first, last)]

    assert asyncio.run(test()) == [9, 8, 7, 5]
