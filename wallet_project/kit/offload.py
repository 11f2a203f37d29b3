"""What an event loop leaves to threads: questions that wait for a database, and their answers.

The loop never waits. A bounded number of threads work, a bounded number of questions wait for
them; equal or similar questions of one moment are asked as one list.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Generic, ParamSpec, TypeVar, cast

from django.db import close_old_connections

from wallet_project.kit.errors import Unavailable
from wallet_project.kit.group_commit import Ending
from wallet_project.kit.queue_errors import QueueFull

P = ParamSpec("P")
T = TypeVar("T")
Q = TypeVar("Q", bound=Hashable)
A = TypeVar("A")
C = TypeVar("C")
R = TypeVar("R")


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


class Handover(Generic[C, R]):
    """Carries commands from the loop to a queue that threads work off, and their ends back.

    What one turn of the loop asks for leaves together, and what ends together comes back with one
    wake-up: so the commands of a moment can share a list, and a crowd shares the two crossings.
    """

    def __init__(self, submit: Callable[[Sequence[tuple[C, Ending[R]]]], None]) -> None:
        """Take what queues commands; it may refuse all of them by raising `Unavailable`."""
        self._submit = submit
        self._loop = asyncio.get_running_loop()
        self._leaving: list[tuple[C, _End[R]]] = []
        self._ended: deque[tuple[asyncio.Future[R], R | None, BaseException | None]] = deque()
        self._is_called = False

    def ask(self, command: C) -> asyncio.Future[R]:
        """Queue a command; the future ends with its result. Who does not wait is not told."""
        future: asyncio.Future[R] = self._loop.create_future()
        if not self._leaving:
            self._loop.call_soon(self._leave)
        self._leaving.append((command, _End(self, future)))
        return future

    def _leave(self) -> None:
        leaving, self._leaving = self._leaving, []
        try:
            self._submit(leaving)
        except Unavailable as refusal:
            for _, end in leaving:
                if not end.done():
                    end.future.set_exception(refusal)

    def note(
        self, future: asyncio.Future[R], result: R | None, error: BaseException | None
    ) -> None:
        """Note an end; called by the threads."""
        self._ended.append((future, result, error))
        if not self._is_called:
            self._is_called = True
            self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        # Before the look at the queue: what comes after it calls again.
        self._is_called = False
        while self._ended:
            future, result, error = self._ended.popleft()
            if future.done():
                continue
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(cast(R, result))


class _End(Generic[R]):
    """The loop's side of a command, as the threads see it."""

    __slots__ = ("_handover", "future")

    def __init__(self, handover: Handover[Any, R], future: asyncio.Future[R]) -> None:
        self._handover = handover
        self.future = future

    def done(self) -> bool:
        return self.future.done()

    def set_result(self, result: R) -> None:
        self._handover.note(self.future, result, None)

    def set_exception(self, error: BaseException) -> None:
        self._handover.note(self.future, None, error)
