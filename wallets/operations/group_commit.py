"""The door to the spine: concurrent callers of this process share transactions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Hashable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, TypeVar

from django.conf import settings

from wallet_project.kit import database, group_commit, servers
from wallet_project.kit.group_commit import Ending
from wallet_project.kit.queue_errors import OutcomeUnknown
from wallets import balance_cache, metrics
from wallets.chart import Kind
from wallets.operations import _locking, _movement
from wallets.operations._commands import MovementCommand, Outcome

C = TypeVar("C")
R = TypeVar("R")


def _execute(commands: Sequence[MovementCommand], lock_wait_seconds: int) -> list[Outcome]:
    def session_and_spine() -> list[Outcome]:
        database.prepare_session(lock_wait_seconds=lock_wait_seconds)
        return _movement.attempt(commands)

    return database.run_retrying(session_and_spine, database.LEADER, operation="group_commit")


_queues: Final[list[group_commit.GroupCommit[Any, Any]]] = []


def new_queue(
    execute: group_commit.Execute[C, R],
    *,
    keys_of: Callable[[C], Collection[Hashable]],
    find_blocked: Callable[[Collection[Hashable]], Collection[Hashable]],
    on_list: Callable[[int], object],
) -> group_commit.GroupCommit[C, R]:
    """Make a queue of this process, to be watched and stopped with the others."""
    made = group_commit.GroupCommit(
        execute,
        keys_of=keys_of,
        find_blocked=find_blocked,
        bounds=settings.GROUP_COMMIT,
        on_list=on_list,
        door=servers.require_primary,
    )
    _queues.append(made)
    return made


_queue: Final = new_queue(
    _execute,
    keys_of=lambda command: command.wallets,
    find_blocked=_locking.find_blocked,
    on_list=metrics.LIST_LENGTH.observe,
)

WAIT_SECONDS: Final[float] = settings.REQUEST_DEADLINE_SECONDS - 1
"""How long a caller waits for an outcome; what is left of the request's time is for the answer."""


def submit(command: MovementCommand) -> Future[Outcome]:
    """Queue a command; the future ends with its outcome.

    Count and time it under the command's kind. The future may also raise one of the kit's
    `Unavailable` errors, after which the same key may be sent again.

    :raises QueueFull: at once, when too much waits already.
    """
    started = time.monotonic()
    command = _with_deadline(command, started)
    if settings.GROUP_COMMIT_SHARED:
        future = _queue.submit(command, deadline_seconds=settings.COMMAND_DEADLINE_SECONDS)
    else:
        future = _alone(command)
    future.add_done_callback(lambda ended: count(command, ended, started))
    return future


def submit_all(calls: Sequence[tuple[MovementCommand, Ending[Outcome]]]) -> None:
    """Queue the commands of one moment together, for callers who wait without a thread.

    Each was announced. Whoever waits counts the end by `count`.

    :raises QueueFull: at once, when too much waits already; none of them is queued then.
    """
    started = time.monotonic()
    _queue.submit_all(
        [(_with_deadline(command, started), ending) for command, ending in calls],
        deadline_seconds=settings.COMMAND_DEADLINE_SECONDS,
        announced=len(calls),
    )


class Announcement:
    """A call that has come in and will be a command in a moment; see `GroupCommit.announce`."""

    __slots__ = ("_is_open",)

    def __init__(self) -> None:
        self._is_open = True
        _queue.announce()

    def fulfil(self) -> None:
        """Leave it to `submit_all`, which the command is handed to."""
        self._is_open = False

    def end(self) -> None:
        """Withdraw it, unless it was fulfilled."""
        if self._is_open:
            self._is_open = False
            _queue.withdraw()


def run(command: MovementCommand) -> Outcome:
    """Queue a command and wait for its outcome, at most as long as a request may take.

    The new balances go to the cache before the caller is answered, in the caller's own time: the
    leader waits for nobody but the database.

    :raises Unavailable: when it was not executed, or when its outcome is not known.
    """
    try:
        outcome = submit(command).result(WAIT_SECONDS)
    except FutureTimeout:
        raise taking_too_long() from None
    balance_cache.put(outcome.balances)
    return outcome


def taking_too_long() -> OutcomeUnknown:
    """Make the error for a command that is still under way when its caller must be answered."""
    return OutcomeUnknown("It took too long; send it again with the same key to learn the outcome.")


def oldest_age_seconds() -> float:
    """Tell how long the oldest command has waited, in whichever queue."""
    return max(queue.oldest_age_seconds() for queue in _queues)


def stop() -> None:
    """Finish what waits and end the threads; for the end of a web process."""
    for queue in _queues:
        queue.stop()


def _alone(command: MovementCommand) -> Future[Outcome]:
    """Execute a command here and now in a transaction of its own."""
    metrics.LIST_LENGTH.observe(1)
    future: Future[Outcome] = Future()
    future.set_result(_movement.execute([command])[0])
    return future


def count(
    command: MovementCommand, ended: Future[Outcome] | asyncio.Future[Outcome], started: float
) -> None:
    """Count and time how a command ended; `started` is on the monotonic clock.

    One that nobody waits for any more counts as of unknown outcome.
    """
    failure = taking_too_long() if ended.cancelled() else ended.exception()
    if failure is not None:
        told = getattr(failure, "code", "failed")
    else:
        outcome = ended.result()
        told = outcome.error.code if outcome.error else "replayed" if outcome.replayed else "ok"
    counter, duration = _series(command.kind, told)
    counter.inc()
    duration.observe(time.monotonic() - started)


@lru_cache(maxsize=256)
def _series(kind: Kind, outcome: str) -> tuple[Any, Any]:
    return metrics.OPERATIONS.labels(kind, outcome), metrics.DURATION.labels(kind)


def _with_deadline(command: MovementCommand, started: float) -> MovementCommand:
    limit: float = settings.COMMAND_DEADLINE_SECONDS
    return replace(command, deadline=min(command.deadline, started + limit))
