"""What the event loop leaves to threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from wallet_project.kit.group_commit import Ending
from wallet_project.kit.offload import Batcher, Handover, Workers
from wallet_project.kit.queue_errors import QueueFull


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


class Threads:
    """A queue that ends commands in threads, the evens well and the odds badly."""

    def __init__(self) -> None:
        self.lists: list[list[int]] = []
        self.gate = threading.Event()
        self.threads: list[threading.Thread] = []

    def submit(self, calls: Sequence[tuple[int, Ending[str]]]) -> None:
        self.lists.append([number for number, _ in calls])
        if 13 in self.lists[-1]:
            raise QueueFull("Too many.")
        for start in range(4):
            thread = threading.Thread(target=self.end, args=(calls[start::4],))
            self.threads.append(thread)
            thread.start()

    def end(self, calls: Sequence[tuple[int, Ending[str]]]) -> None:
        self.gate.wait(5)
        for number, ending in calls:
            if number % 2:
                ending.set_exception(LookupError(str(number)))
            else:
                ending.set_result(str(number))


def test_commands_of_one_turn_leave_together_and_each_is_told_its_own_end() -> None:
    async def test() -> None:
        threads = Threads()
        handover: Handover[int, str] = Handover(threads.submit)

        first = [handover.ask(100 + number) for number in range(200)]
        await asyncio.sleep(0.01)
        second = [handover.ask(400 + number) for number in range(200)]
        await asyncio.sleep(0.01)
        assert [len(one) for one in threads.lists] == [200, 200]
        threads.gate.set()
        ends = await asyncio.gather(*first, *second, return_exceptions=True)

        numbers = [*range(100, 300), *range(400, 600)]
        assert [str(end) for end in ends] == [str(number) for number in numbers]
        assert [isinstance(end, LookupError) for end in ends] == [bool(n % 2) for n in numbers]

    asyncio.run(test())


def test_commands_that_a_full_queue_refuses_are_told_so() -> None:
    async def test() -> None:
        handover: Handover[int, str] = Handover(Threads().submit)
        refused = [handover.ask(13), handover.ask(14)]
        for one in refused:
            with pytest.raises(QueueFull):
                await one

    asyncio.run(test())


def test_an_end_that_nobody_waits_for_any_more_breaks_nothing() -> None:
    async def test() -> None:
        threads = Threads()
        handover: Handover[int, str] = Handover(threads.submit)
        left, stayed = handover.ask(1), handover.ask(2)
        await asyncio.sleep(0.01)
        left.cancel()
        threads.gate.set()
        assert await stayed == "2"

    asyncio.run(test())
