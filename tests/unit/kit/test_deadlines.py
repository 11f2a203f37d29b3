"""Time limits that share a timer."""

from __future__ import annotations

import asyncio

import pytest

from wallet_project.kit.deadlines import Deadlines


def test_what_takes_too_long_is_cancelled_and_what_does_not_is_left_alone() -> None:
    async def scene() -> list[str]:
        deadlines = Deadlines(0.05)

        async def wait(seconds: float) -> str:
            try:
                with deadlines.limit():
                    await asyncio.sleep(seconds)
            except TimeoutError:
                return "late"
            return "in time"

        return list(await asyncio.gather(wait(0.0), wait(5.0), wait(0.01), wait(5.0)))

    assert asyncio.run(scene()) == ["in time", "late", "in time", "late"]


def test_a_limit_that_began_later_ends_later() -> None:
    async def scene() -> list[str]:
        deadlines = Deadlines(0.1)
        ended: list[str] = []

        async def wait(name: str, after: float) -> None:
            await asyncio.sleep(after)
            try:
                with deadlines.limit():
                    await asyncio.sleep(5)
            except TimeoutError:
                ended.append(name)

        await asyncio.gather(wait("second", 0.05), wait("first", 0.0))
        return ended

    assert asyncio.run(scene()) == ["first", "second"]


def test_who_is_cancelled_by_somebody_else_is_cancelled() -> None:
    async def scene() -> None:
        deadlines = Deadlines(5.0)

        async def wait() -> None:
            with deadlines.limit():
                await asyncio.sleep(5)

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not deadlines.running

    asyncio.run(scene())


def test_an_error_within_the_time_comes_out_as_it_is() -> None:
    async def scene() -> None:
        deadlines = Deadlines(5.0)
        with pytest.raises(ValueError, match="of its own"), deadlines.limit():
            raise ValueError("of its own")
        assert not deadlines.running

    asyncio.run(scene())


def test_limits_within_limits_each_end_their_own() -> None:
    async def scene() -> str:
        inner, outer = Deadlines(0.02), Deadlines(5.0)
        with outer.limit():
            try:
                with inner.limit():
                    await asyncio.sleep(5)
            except TimeoutError:
                await asyncio.sleep(0)  # the task is not cancelled any more
                return "inner"
        return "none"

    assert asyncio.run(scene()) == "inner"
