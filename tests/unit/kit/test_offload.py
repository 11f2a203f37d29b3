"""What the event loop leaves to threads."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from typing import Any

import pytest

from wallet_project.kit.group_commit import QueueFull
from wallet_project.kit.offload import Batcher, Handover, Workers


def run(test: Callable[[Workers], Awaitable[Any]], *, threads: int = 2, waiting: int = 8) -> Any:
    """Run a test on a loop of its own, with threads that end with it."""

    async def whole() -> Any:
        workers = Workers("test", threads=threads, waiting_max=waiting)
        try:
            return await test(workers)
        finally:
            workers.close()

    return asyncio.run(whole())


def test_a_lone_question_is_asked_at_once_and_a_crowd_as_one_list() -> None:
    lists: list[list[int]] = []
    gate = threading.Event()

    def answer(questions: Sequence[int]) -> list[int | BaseException]:
        lists.append(list(questions))
        gate.wait(5)
        return [question * 10 for question in questions]

    async def test(workers: Workers) -> list[int]:
        batcher: Batcher[int, int] = Batcher(answer, workers, lists_at_once=1)
        first = batcher.ask(1)
        while not lists:
            await asyncio.sleep(0.001)
        others = [batcher.ask(question) for question in (2, 3, 2, 4)]
        gate.set()
        return [await first, *[await other for other in others]]

    assert run(test) == [10, 20, 30, 20, 40]
    assert lists == [[1], [2, 3, 4]]  # and the one that two asked was asked once


def test_long_lists_are_cut() -> None:
    lists: list[int] = []

    def answer(questions: Sequence[int]) -> list[int | BaseException]:
        lists.append(len(questions))
        return list(questions)

    async def test(workers: Workers) -> list[int]:
        batcher: Batcher[int, int] = Batcher(answer, workers, lists_at_once=1, list_length=4)
        return list(await asyncio.gather(*(batcher.ask(number) for number in range(10))))

    assert run(test) == list(range(10))
    assert lists == [4, 4, 2]


def test_a_failure_is_told_to_whom_it_concerns() -> None:
    def answer(questions: Sequence[int]) -> list[int | BaseException]:
        if 99 in questions:
            raise ConnectionError
        return [LookupError(q) if q == 13 else q for q in questions]

    async def test(workers: Workers) -> None:
        batcher: Batcher[int, int] = Batcher(answer, workers, lists_at_once=1)
        good, bad = batcher.ask(1), batcher.ask(13)
        assert await good == 1
        with pytest.raises(LookupError):
            await bad
        broken = [batcher.ask(99), batcher.ask(1)]
        for one in broken:
            with pytest.raises(ConnectionError):
                await one
        assert await batcher.ask(2) == 2  # and goes on

    run(test)


def test_who_goes_away_takes_the_answer_from_nobody() -> None:
    gate = threading.Event()

    def answer(questions: Sequence[int]) -> list[int | BaseException]:
        gate.wait(5)
        return list(questions)

    async def test(workers: Workers) -> int:
        batcher: Batcher[int, int] = Batcher(answer, workers)
        gone = asyncio.ensure_future(batcher.ask(1))
        staying = batcher.ask(1)
        await asyncio.sleep(0.01)
        gone.cancel()
        gate.set()
        return await staying

    assert run(test) == 1


def test_too_much_work_is_turned_away_at_once() -> None:
    gate = threading.Event()

    async def test(workers: Workers) -> None:
        begun = [asyncio.ensure_future(workers.run(gate.wait, 5)) for _ in range(3)]
        await asyncio.sleep(0.01)
        with pytest.raises(QueueFull):
            await workers.run(gate.wait, 5)
        gate.set()
        await asyncio.gather(*begun)
        assert await workers.run(lambda: "again") == "again"

    run(test, threads=1, waiting=3)


def test_ends_of_many_threads_reach_the_loop() -> None:
    async def test() -> None:
        handover = Handover()
        futures: list[Future[int]] = [Future() for _ in range(500)]
        waiting = [asyncio.ensure_future(handover.wait(one, seconds=5)) for one in futures]
        await asyncio.sleep(0)

        def end(start: int) -> None:
            for number in range(start, 500, 4):
                futures[number].set_result(number)
                if number % 50 == 0:
                    time.sleep(0.001)

        threads = [threading.Thread(target=end, args=(start,)) for start in range(4)]
        for thread in threads:
            thread.start()
        assert await asyncio.gather(*waiting) == list(range(500))

    asyncio.run(test())


def test_failures_and_lateness_reach_the_loop_as_well() -> None:
    async def test() -> None:
        handover = Handover()
        failed: Future[int] = Future()
        failed.set_exception(LookupError("no"))
        with pytest.raises(LookupError):
            await handover.wait(failed, seconds=5)
        late: Future[int] = Future()
        with pytest.raises(TimeoutError):
            await handover.wait(late, seconds=0.01)
        late.set_result(1)  # nobody waits any more, and nothing breaks
        await asyncio.sleep(0.01)

    asyncio.run(test())
