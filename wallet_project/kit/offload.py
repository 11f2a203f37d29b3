"""What an event loop leaves to threads: questions that wait for a database, and their answers.

The loop never waits. A bounded number of threads work, a bounded number of questions wait for
them; equal or similar questions of one moment are asked as one list.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Generic, ParamSpec, TypeVar

from django.db import close_old_connections

from wallet_project.kit.group_commit import QueueFull

P = ParamSpec("P")
T = TypeVar("T")
Q = TypeVar("Q", bound=Hashable)
A = TypeVar("A")


class Workers:
    """A bounded number of threads for work that waits. Each keeps its database connections."""

    def __init__(self, name: str, *, threads: int, waiting_max: int) -> None:
        self._pool: Final = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._waiting_max: Final = waiting_max
        self._waiting = 0

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in one of the threads and return what it returns.

        :raises QueueFull: at once, when too much waits already.
        """
        if self._waiting >= self._waiting_max:
            raise QueueFull("Too many requests wait already; send it again with the same key.")
        self._waiting += 1
        context = contextvars.copy_context()  # its log lines carry the request's id

        def run() -> T:
            # As at the start of a request: a connection that ended meanwhile is made anew.
            close_old_connections()
            return context.run(work, *args, **kwargs)

        future = self._pool.submit(run)
        try:
            return await asyncio.wrap_future(future)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Finish what was begun and end the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class Batcher(Generic[Q, A]):
    """Gathers questions while threads are at work, and asks them as one list.

    A lone question is asked at once. The same question of several callers is asked once.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[Q]], Sequence[A | BaseException]],
        workers: Workers,
        *,
        lists_at_once: int = 2,
        list_length: int = 128,
    ) -> None:
        """Take what answers a list, in its order; an exception is one question's own failure."""
        self._answer = answer
        self._workers = workers
        self._free = lists_at_once
        self._list_length = list_length
        self._questions: dict[Q, list[asyncio.Future[A]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, question: Q) -> Awaitable[A]:
        """Ask; the answer, or the failure, is that of this question alone."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[A] = loop.create_future()
        self._questions.setdefault(question, []).append(future)
        if self._free:
            self._free -= 1
            task = loop.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return future

    async def _work(self) -> None:
        try:
            while self._questions:
                await self._ask_list(self._take())
        finally:
            self._free += 1

    def _take(self) -> dict[Q, list[asyncio.Future[A]]]:
        if len(self._questions) <= self._list_length:
            taken, self._questions = self._questions, {}
            return taken
        some = list(self._questions)[: self._list_length]
        return {question: self._questions.pop(question) for question in some}

    async def _ask_list(self, taken: dict[Q, list[asyncio.Future[A]]]) -> None:
        asked = asyncio.ensure_future(self._workers.run(self._answer, list(taken)))
        await asyncio.wait((asked,))
        failure = asked.exception()  # handed on to whoever asked, whatever it is
        answers = asked.result() if failure is None else [failure] * len(taken)
        for futures, answer in zip(taken.values(), answers, strict=True):
            for future in futures:
                if future.done():  # whoever asked has gone
                    continue
                if isinstance(answer, BaseException):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)


class Handover:
    """Brings the ends of threads' futures into the loop: one wake-up for all that end together."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended: deque[tuple[Future[object], asyncio.Future[object]]] = deque()
        self._is_called = False

    async def wait(self, future: Future[T], *, seconds: float) -> T:
        """Wait for a thread's future.

        :raises TimeoutError: if it takes longer; whatever it is goes on.
        """
        mine: asyncio.Future[T] = self._loop.create_future()
        future.add_done_callback(lambda done: self._note(done, mine))
        async with asyncio.timeout(seconds):
            return await mine

    def _note(self, done: Future[T], mine: asyncio.Future[T]) -> None:
        self._ended.append((done, mine))  # type: ignore[arg-type]
        if not self._is_called:
            self._is_called = True
            self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        # Before the look at the queue: what comes after it calls again.
        self._is_called = False
        while self._ended:
            done, mine = self._ended.popleft()
            if mine.done():
                continue
            error = done.exception()
            if error is not None:
                mine.set_exception(error)
            else:
                mine.set_result(done.result())
