"""Accept a movement now and make it afterwards: one insert of the operation and its message.

The order of a wallet's operations is the order of their numbers, and no lock is needed for it:

1. The database draws a number at the insert, between the caller's question and his answer, and
   always a higher one than before. So what is asked after an answer has a higher number than what
   that answer was about, in whichever process either happened; of two that were under way at the
   same moment either may be first. Within a process the queue inserts in order of arrival.
2. An answer is given after the commit. So whoever sees an operation sees each that was answered
   before it was asked for: a look at a wallet's pending operations is complete up to there.
3. They are applied by number, each with all pending ones before it (`apply_operations`). So none
   is ever made before one that was answered before it was asked for.

The message only tells the worker where to look. The relay sends a wallet's messages by the ids of
the outbox, which rise like the numbers, so Kafka's order is that order, too; but one that is lost,
repeated or late cannot change what is made, nor when.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from events import outbox
from wallet_project.kit import clock, database
from wallet_project.kit.bulk_sql import insert_rows
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import DomainError
from wallet_project.kit.group_commit import Ending
from wallet_project.kit.ids import uuid7
from wallet_project.kit.one_trip import one_trip
from wallets import metrics
from wallets.errors import KeyReused
from wallets.models import Operation, OperationStatus
from wallets.operations import _messages, _replay, group_commit
from wallets.operations._commands import MovementCommand


@dataclass(frozen=True, slots=True)
class Accepted:
    """An operation that will be made, whatever happens to this process."""

    operation_id: UUID
    wallet: UUID
    replayed: bool = False
    """The key had been accepted before."""


Answer = Accepted | DomainError


def submit(command: MovementCommand) -> Future[Answer]:
    """Queue a command to be accepted; the future ends with the operation, or with `KeyReused`.

    It may also raise one of the kit's `Unavailable` errors, after which the same key may be sent
    again.

    :raises QueueFull: at once, when too much waits already.
    """
    started = time.monotonic()
    if settings.GROUP_COMMIT_SHARED:
        future = _queue.submit(command, deadline_seconds=settings.COMMAND_DEADLINE_SECONDS)
    else:
        future = Future()
        future.set_result(
            database.run_retrying(lambda: _attempt([command]), database.INTERACTIVE)[0]
        )
    future.add_done_callback(lambda ended: count(ended, started))
    return future


def submit_all(calls: Sequence[tuple[MovementCommand, Ending[Answer]]]) -> None:
    """Queue the commands of one moment together, for callers who wait without a thread.

    Whoever waits counts the end by `count`.

    :raises QueueFull: at once, when too much waits already; none of them is queued then.
    """
    _queue.submit_all(calls, deadline_seconds=settings.COMMAND_DEADLINE_SECONDS)


def accept(command: MovementCommand) -> Accepted:
    """Accept a command; wait until that is durable, at most as long as a request may take.

    :raises KeyReused: if the key has already named another command.
    :raises Unavailable: when it was not accepted, or when that is not known.
    """
    try:
        return unwrap(submit(command).result(group_commit.WAIT_SECONDS))
    except FutureTimeout:
        raise group_commit.taking_too_long() from None


def unwrap(answer: Answer) -> Accepted:
    """Return the operation.

    :raises DomainError: what stands in its place.
    """
    if isinstance(answer, DomainError):
        raise answer
    return answer


def count(ended: Future[Answer] | asyncio.Future[Answer], started: float) -> None:
    """Count and time how an acceptance ended; `started` is on the monotonic clock.

    One that nobody waits for any more counts as of unknown outcome.
    """
    unknown = group_commit.taking_too_long() if ended.cancelled() else None
    failure = unknown or ended.exception() or ended.result()
    outcome = getattr(failure, "code", "failed")
    if isinstance(failure, Accepted):
        outcome = "replayed" if failure.replayed else "ok"
    metrics.OPERATIONS.labels("accept", outcome).inc()
    metrics.DURATION.labels("accept").observe(time.monotonic() - started)


def _execute(commands: Sequence[MovementCommand], lock_wait_seconds: int) -> list[Answer]:
    def session_and_insert() -> list[Answer]:
        database.prepare_session(lock_wait_seconds=lock_wait_seconds)
        return _attempt(commands)

    return database.run_retrying(session_and_insert, database.LEADER, operation="accept_operations")


_queue: Final = group_commit.new_queue(
    _execute,
    # A twin of the same key in another process is all that an insert can wait for.
    keys_of=lambda command: (command.key.digest,),
    find_blocked=lambda keys: keys,
    on_list=metrics.ACCEPTED_TOGETHER.observe,
)


def _attempt(commands: Sequence[MovementCommand]) -> list[Answer]:
    """Try once, without retries: BEGIN to COMMIT. A twin's duplicate key lets it run again."""
    with transaction.atomic(using=PRIMARY, durable=True):
        known = _replay.find(commands)
        ids = _ids_of(known.operations)
        new: list[tuple[UUID, MovementCommand]] = []
        answers: list[Answer] = []
        for command in commands:
            digest = command.key.digest
            outcome = known.outcome_of(command)
            if outcome is not None and isinstance(outcome.error, KeyReused):
                answers.append(outcome.error)
            elif digest in ids:
                answers.append(Accepted(ids[digest], command.wallet, replayed=True))
            else:
                # Also where a call of its own has made the movement: this will be its replay.
                ids[digest] = uuid7()
                known.operations[digest] = command.request_hash
                new.append((ids[digest], command))
                answers.append(Accepted(ids[digest], command.wallet))
        _insert(new)
    return answers


def _ids_of(keys: Collection[bytes]) -> dict[bytes, UUID]:
    if not keys:
        return {}
    rows = Operation.objects.using(PRIMARY).filter(idempotency_key__in=list(keys))
    return {bytes(key): id_ for key, id_ in rows.values_list("idempotency_key", "operation_id")}


def _insert(new: Sequence[tuple[UUID, MovementCommand]]) -> None:
    """Insert operations in order, and with each the message that it is there."""
    moment = clock.now()
    rows = [
        (
            id_,
            command.client,
            command.actor,
            command.kind,
            command.wallet,
            command.counterparty,
            command.currency,
            command.amount,
            command.reference,
            command.channel,
            command.description,
            None if command.metadata is None else dict(command.metadata),
            command.value_date,
            command.key.digest,
            command.request_hash,
            OperationStatus.PENDING,
            "",
            moment,
        )
        for id_, command in new
    ]
    with one_trip():
        insert_rows(Operation, _COLUMNS, rows)
        outbox.record_messages([_messages.about(id_, command, moment) for id_, command in new])


_COLUMNS: Final = (
    "operation_id",
    "client",
    "actor",
    "kind",
    "wallet",
    "counterparty",
    "currency",
    "amount",
    "reference",
    "channel",
    "description",
    "metadata",
    "value_date",
    "idempotency_key",
    "request_hash",
    "status",
    "reason",
    "created_at",
)
