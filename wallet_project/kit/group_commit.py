"""Concurrent callers join one list, one transaction, one COMMIT.

A leader thread executes what waits; while it works, the next list gathers by itself, so a lone
command never waits for company and a crowd shares the price of a commit. On a hot row this is the
difference between 170 and 1,500 movements a second.

Knows nothing of wallets: a command is anything, its *keys* are the rows it locks.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections import Counter, deque
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from django.db import DataError, Error, IntegrityError

from wallet_project.kit.database import LockWaitTimeout, is_about_data
from wallet_project.kit.errors import Unavailable
from wallet_project.kit.queue_errors import DeadlinePassed, OutcomeUnknown, QueueFull, RowsBusy
from wallet_project.kit.servers import Away, ReadOnly

logger = logging.getLogger(__name__)

C = TypeVar("C")
R = TypeVar("R")

R_contra = TypeVar("R_contra", contravariant=True)


class Ending(Protocol[R_contra]):
    """Where the end of a command is told, by one of the queue's threads. A `Future` is one."""

    def done(self) -> bool:
        """Tell whether it was told already, or nobody listens any more."""

    def set_result(self, result: R_contra, /) -> None:
        """Tell a result."""

    def set_exception(self, exception: BaseException, /) -> None:
        """Tell why there is none."""


Execute = Callable[[Sequence[C], int], list[R]]
"""Run a list in one transaction waiting at most so many seconds for a lock; a result for each."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a queue may hold. Numbers come from settings."""

    queue_length: int = 4096
    queue_age_seconds: float = 2.0
    list_length: int = 512
    leader_lock_wait_seconds: int = 1
    slow_lock_wait_seconds: int = 3
    patience_seconds: float = 0.05
    """How long a list may wait at most for calls that have come in already."""


@dataclass(slots=True, eq=False)
class _Waiting(Generic[C, R]):
    command: C
    keys: frozenset[Hashable]
    arrived: float
    deadline: float
    ending: Ending[R]


class GroupCommit(Generic[C, R]):
    """One queue, one leader and one slow lane in this process.

    Threads start at the first `submit` after a fork: one started at import never answers in a
    child. Commands that share a key keep their order of arrival.
    """

    def __init__(
        self,
        execute: Execute[C, R],
        *,
        keys_of: Callable[[C], Collection[Hashable]],
        find_blocked: Callable[[Collection[Hashable]], Collection[Hashable]],
        bounds: Bounds,
        on_list: Callable[[int], object],
        door: Callable[[], object] = lambda: None,
    ) -> None:
        """Take what executes a list, and `door`, which raises while nothing can be executed."""
        self._door = door
        self._execute = execute
        self._keys_of = keys_of
        self._find_blocked = find_blocked
        self._on_list = on_list
        self.bounds: Final = bounds
        self._reset()
        # A child has neither its parent's threads nor the right to its parent's commands.
        own = weakref.WeakMethod(self._reset)
        os.register_at_fork(after_in_child=lambda: (reset := own()) and reset())

    def _reset(self) -> None:
        self._condition = threading.Condition()
        self._queue: deque[_Waiting[C, R]] = deque()
        self._slow_queue: deque[_Waiting[C, R]] = deque()
        self._slow_keys: Counter[Hashable] = Counter()
        self._leader: threading.Thread | None = None
        self._slow: threading.Thread | None = None
        self._stopping = False
        self._expected = 0
        self._is_patient = False
        self._patience_seconds = 0.0

    def submit(self, command: C, *, deadline_seconds: float = 8.0) -> Future[R]:
        """Queue a command; the future ends with its result.

        :raises QueueFull: at once, when the queue is too long, too old or closing.
        """
        future: Future[R] = Future()
        self.submit_all([(command, future)], deadline_seconds=deadline_seconds)
        return future

    def submit_all(
        self,
        calls: Iterable[tuple[C, Ending[R]]],
        *,
        deadline_seconds: float = 8.0,
        announced: int = 0,
    ) -> None:
        """Queue the commands of one moment, in their order, so that one list can take them all.

        So many of them had been announced, and are not expected any more.

        :raises QueueFull: at once, when the queue is too long, too old or closing; none is taken.
        """
        arrived = time.monotonic()
        deadline = arrived + deadline_seconds
        waiting = [
            _Waiting(command, frozenset(self._keys_of(command)), arrived, deadline, ending)
            for command, ending in calls
        ]
        with self._condition:
            self._expected = max(0, self._expected - announced)
            self._door()
            self._refuse_when_full(arrived)
            self._queue.extend(waiting)
            self._start_threads()
            if not (self._is_patient and self._expected):
                self._condition.notify_all()

    def announce(self) -> None:
        """Expect a call that has come in to be a command in a moment.

        A list that is about to leave waits for it, at most as long as the list before took: that
        is what the call would wait for if it missed this one. Whoever announces submits it as
        announced or withdraws it.
        """
        with self._condition:
            self._expected += 1

    def withdraw(self) -> None:
        """Expect a call no more: it ended without a command."""
        with self._condition:
            self._expected = max(0, self._expected - 1)
            if self._is_patient and not self._expected:
                self._condition.notify_all()

    def oldest_age_seconds(self) -> float:
        """Tell how long the command at the head of either queue has waited; 0 when none waits."""
        with self._condition:
            heads = [queue[0].arrived for queue in (self._queue, self._slow_queue) if queue]
        return time.monotonic() - min(heads) if heads else 0.0

    def stop(self, *, timeout_seconds: float = 10.0) -> None:
        """Take nothing more, finish what waits, end the threads."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        for thread in (self._leader, self._slow):
            if thread is not None:
                thread.join(timeout_seconds)
            with self._condition:
                self._condition.notify_all()  # the slow thread ends once the leader has
        self._reset()

    def _refuse_when_full(self, moment: float) -> None:
        length = len(self._queue) + len(self._slow_queue)
        too_old = bool(self._queue) and (
            moment - self._queue[0].arrived > self.bounds.queue_age_seconds
        )
        if self._stopping or too_old or length >= self.bounds.queue_length:
            raise QueueFull("Too many requests wait already; send it again with the same key.")

    def _start_threads(self) -> None:
        # Also the watchdog: a thread that died is replaced by the next caller.
        if self._leader is None or not self._leader.is_alive():
            self._leader = self._thread(self._lead, "group-commit-leader")
        if self._slow is None or not self._slow.is_alive():
            self._slow = self._thread(self._work_slowly, "group-commit-slow")

    def _thread(self, target: Callable[[], None], name: str) -> threading.Thread:
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        return thread

    def _lead(self) -> None:
        while True:
            waiting = self._take()
            if waiting is None:
                return
            started = time.monotonic()
            self._guarded(waiting, self._run_list)
            took = time.monotonic() - started
            self._patience_seconds = min(took, self.bounds.patience_seconds)

    def _work_slowly(self) -> None:
        while True:
            waiting = self._take_slow()
            if waiting is None:
                return
            self._guarded(waiting, self._run_slow)
            with self._condition:
                for one in waiting:
                    self._slow_keys -= Counter(one.keys)

    def _take(self) -> list[_Waiting[C, R]] | None:
        """Wait for commands; move those of blocked rows to the slow lane; return the others."""
        with self._condition:
            while not self._queue:
                if self._stopping:
                    return None
                self._condition.wait()
            self._wait_for_the_announced()
            taken: list[_Waiting[C, R]] = []
            while self._queue and len(taken) < self.bounds.list_length:
                one = self._queue.popleft()
                if self._slow_keys and any(key in self._slow_keys for key in one.keys):
                    self._set_aside([one])
                else:
                    taken.append(one)
            return taken

    def _wait_for_the_announced(self) -> None:
        """Let a list that is about to leave take those along who are at the door.

        Without it a leader that is faster than the loop takes commands by twos and threes, and the
        price of a transaction is shared by few: 11 to 14 commands a list at 32 connections, 25
        with it, and a third less CPU a deposit.
        """
        until = self._queue[0].arrived + self._patience_seconds
        self._is_patient = True
        while self._expected and not self._stopping:
            left = until - time.monotonic()
            if left <= 0:
                break
            self._condition.wait(left)
        self._is_patient = False

    def _take_slow(self) -> list[_Waiting[C, R]] | None:
        """Wait for slow commands; return the oldest and all that share exactly its rows."""
        with self._condition:
            while not self._slow_queue:
                if self._stopping and self._leader is not None and not self._leader.is_alive():
                    return None
                self._condition.wait(timeout=0.2 if self._stopping else None)
            head = self._slow_queue[0].keys
            taken: list[_Waiting[C, R]] = []
            rest: deque[_Waiting[C, R]] = deque()
            passed_by: set[Hashable] = set()
            for one in self._slow_queue:
                # A command may not overtake an earlier one that shares a row with it.
                if one.keys == head and not one.keys & passed_by:
                    taken.append(one)
                else:
                    passed_by |= one.keys
                    rest.append(one)
            self._slow_queue = rest
            return taken

    def _set_aside(self, waiting: Sequence[_Waiting[C, R]]) -> None:
        for one in waiting:
            self._slow_keys += Counter(one.keys)
            self._slow_queue.append(one)
        self._condition.notify_all()

    def _guarded(
        self,
        waiting: list[_Waiting[C, R]],
        run: Callable[[list[_Waiting[C, R]]], None],
    ) -> None:
        """Run a list so that no failure of any kind ends the thread or leaves a caller waiting."""
        try:
            run(self._drop_late(waiting))
        except BaseException as error:
            # The one broad except of the project: whatever it was, these callers must be told
            # that the outcome is unknown, and the next list must have its chance.
            if isinstance(error, Away):
                told: Unavailable = ReadOnly(error.args[1])  # nothing was begun
            else:
                logger.exception("group_commit.list_failed", extra={"commands": len(waiting)})
                told = OutcomeUnknown(
                    "The request may or may not have taken effect; send it again with the same key."
                )
                told.__cause__ = error
            for one in waiting:
                if not one.ending.done():
                    one.ending.set_exception(told)

    def _drop_late(self, waiting: list[_Waiting[C, R]]) -> list[_Waiting[C, R]]:
        moment = time.monotonic()
        in_time = []
        for one in waiting:
            if one.deadline < moment:
                one.ending.set_exception(
                    DeadlinePassed("It waited too long and was not executed; send it again.")
                )
            else:
                in_time.append(one)
        return in_time

    def _run_list(self, waiting: list[_Waiting[C, R]]) -> None:
        if not waiting:
            return
        self._on_list(len(waiting))
        try:
            self._answer(waiting, self.bounds.leader_lock_wait_seconds)
        except LockWaitTimeout:
            self._run_without_blocked(waiting)
        except Error as error:
            self._run_halves(waiting, error, self._run_list)

    def _run_without_blocked(self, waiting: list[_Waiting[C, R]]) -> None:
        keys = frozenset().union(*(one.keys for one in waiting))
        blocked = frozenset(self._find_blocked(keys))
        free: list[_Waiting[C, R]] = []
        with self._condition:
            # Whatever shares a row with a command set aside follows it, or it would overtake.
            for one in waiting:
                if one.keys & blocked or any(key in self._slow_keys for key in one.keys):
                    self._set_aside([one])
                else:
                    free.append(one)
        logger.warning("group_commit.rows_blocked", extra={"rows": len(blocked)})
        self._run_list(self._drop_late(free))

    def _run_slow(self, waiting: list[_Waiting[C, R]]) -> None:
        if not waiting:
            return
        try:
            self._answer(waiting, self.bounds.slow_lock_wait_seconds)
        except LockWaitTimeout:
            for one in waiting:
                one.ending.set_exception(
                    RowsBusy("The wallet is locked by another process; nothing was done.")
                )
        except Error as error:
            self._run_halves(waiting, error, self._run_slow)

    def _run_halves(
        self,
        waiting: list[_Waiting[C, R]],
        error: Error,
        run: Callable[[list[_Waiting[C, R]]], None],
    ) -> None:
        """Split a list that failed over a value, so that one bad command fails alone."""
        if not is_about_data(error) or not isinstance(error, DataError | IntegrityError):
            raise error
        if len(waiting) == 1:
            waiting[0].ending.set_exception(error)
            return
        middle = len(waiting) // 2
        run(waiting[:middle])
        run(waiting[middle:])

    def _answer(self, waiting: list[_Waiting[C, R]], lock_wait_seconds: int) -> None:
        results = self._execute([one.command for one in waiting], lock_wait_seconds)
        for one, result in zip(waiting, results, strict=True):
            one.ending.set_result(result)
