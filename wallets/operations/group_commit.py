"""The door to the spine: concurrent callers of this process share transactions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import replace
from typing import Final

from django.conf import settings

from wallet_project.kit import database, group_commit
from wallets import balance_cache, metrics
from wallets.operations import _locking, _movement
from wallets.operations._commands import MovementCommand, Outcome


def _execute(commands: Sequence[MovementCommand], lock_wait_seconds: int) -> list[Outcome]:
    def session_and_spine() -> list[Outcome]:
        database.prepare_session(lock_wait_seconds=lock_wait_seconds)
        return _movement.attempt(commands)

    return database.run_retrying(session_and_spine, database.LEADER, operation="group_commit")


_queue: Final = group_commit.GroupCommit[MovementCommand, Outcome](
    _execute,
    keys_of=lambda command: command.wallets,
    find_blocked=_locking.find_blocked,
    bounds=settings.GROUP_COMMIT,
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
    limit: float = settings.COMMAND_DEADLINE_SECONDS
    command = replace(command, deadline=min(command.deadline, started + limit))
    if settings.GROUP_COMMIT_SHARED:
        future = _queue.submit(command, deadline_seconds=limit)
    else:
        future = _alone(command)
    future.add_done_callback(lambda done: _count(command, done, started))
    return future


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


def taking_too_long() -> group_commit.OutcomeUnknown:
    """Make the error for a command that is still under way when its caller must be answered."""
    return group_commit.OutcomeUnknown(
        "It took too long; send it again with the same key to learn the outcome."
    )


def oldest_age_seconds() -> float:
    """Tell how long the oldest command has waited."""
    return _queue.oldest_age_seconds()


def stop() -> None:
    """Finish what waits and end the threads; for the end of a web process."""
    _queue.stop()


def _alone(command: MovementCommand) -> Future[Outcome]:
    """Execute a command here and now in a transaction of its own."""
    metrics.LIST_LENGTH.observe(1)
    future: Future[Outcome] = Future()
    future.set_result(_movement.execute([command])[0])
    return future


def _count(command: MovementCommand, done: Future[Outcome], started: float) -> None:
    if done.cancelled():
        return
    failure = done.exception()
    if failure is not None:
        outcome = getattr(failure, "code", "failed")
    else:
        result = done.result()
        outcome = result.error.code if result.error else "replayed" if result.replayed else "ok"
    metrics.OPERATIONS.labels(command.kind, outcome).inc()
    metrics.DURATION.labels(command.kind).observe(time.monotonic() - started)
