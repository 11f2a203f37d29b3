"""Make the movements that were accepted before: in the order of acceptance, each once.

Everything here may happen twice, in two processes at once, or stop anywhere. Operations are made by
their numbers, each list with all earlier pending ones of its wallets, under the locks of those
wallets and by keys that the books know; the mark that one is done is set in the same transaction.
`accept_operation` says why that keeps the order of acceptance.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connections

from events.errors import Undecodable
from wallet_project.kit import database
from wallet_project.kit.database import PRIMARY, LockWaitTimeout, RetryPolicy
from wallet_project.kit.errors import Unavailable
from wallet_project.kit.queue_errors import RowsBusy
from wallets.chart import Kind
from wallets.idempotency import Key
from wallets.models import Operation, OperationStatus
from wallets.operations import _lists, _locking
from wallets.operations._commands import MovementCommand
from wallets.safeguards import switch

LOCK_WAIT_SECONDS: Final = 3
_POLICY: Final = RetryPolicy(first_retry_immediate=True, raise_lock_waits=True)


def apply_operations(ids: Collection[UUID]) -> int:
    """Apply accepted operations and, before them, what was accepted earlier for their wallets.

    Returns how many were applied; those that are done already are passed over.

    :raises Undecodable: if one of them was never accepted; the others are applied.
    :raises Unavailable: while money is stopped; and if a wallet takes nothing now, or somebody
        holds it for long. Its operations wait in their order, those of others are applied.
    :raises django.db.Error: if the database fails beyond what retrying heals.
    """
    rows = Operation.objects.using(PRIMARY).filter(operation_id__in=list(ids))
    found = list(rows.order_by("id").values_list("operation_id", "wallet", "id"))
    done = apply_through({wallet: number for _, wallet, number in found})
    unknown = set(ids) - {id_ for id_, _, _ in found}
    if unknown:
        raise Undecodable(f"No operation {min(unknown)} was ever accepted.")
    return done


def apply_through(last: Mapping[UUID, int]) -> int:
    """Apply the pending operations of each wallet up to a number; return how many that was.

    :raises Unavailable, django.db.Error: like `apply_operations`.
    """
    switch.require_running()
    done = 0
    length: int = settings.GROUP_COMMIT.list_length
    while True:
        rows = _pending(last, length)
        if rows:
            _apply(rows)
        done += len(rows)
        if len(rows) < length:
            return done


def _pending(last: Mapping[UUID, int], length: int) -> list[Operation]:
    if not last:
        return []
    connection = connections[PRIMARY]
    # Where little waits, MySQL's figures say that it could as well walk through all that does; by
    # the time that a million operations wait they are old. The ORM has no word for the hint.
    hint = "FORCE INDEX (operation_queue) " if connection.vendor == "mysql" else ""
    ranges = " OR ".join(
        f"(status = {OperationStatus.PENDING:d} AND wallet = x'{wallet.hex}' AND id <= {number:d})"
        for wallet, number in last.items()
    )
    sql = (
        f"SELECT id FROM {Operation._meta.db_table} {hint}"  # noqa: S608 - numbers, hex digits
        f"WHERE {ranges} ORDER BY id LIMIT {length:d}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql)
        numbers = [number for (number,) in cursor.fetchall()]
    rows = Operation.objects.using(PRIMARY).filter(pk__in=numbers)
    return list(rows.order_by("id"))


def _apply(rows: Sequence[Operation]) -> None:
    """Apply operations in one transaction; without those of locked wallets if there are any."""
    database.prepare_session(lock_wait_seconds=LOCK_WAIT_SECONDS)
    commands = [_command(row) for row in rows]
    try:
        outcomes = _lists.execute(commands, policy=_POLICY)
    except LockWaitTimeout:
        free = _without_blocked(commands)
        with suppress(LockWaitTimeout):  # by then it may be another one
            if free:
                _lists.execute(free, policy=_POLICY)
        raise RowsBusy("A wallet is locked by another process; its operations wait.") from None
    for outcome in outcomes:
        if isinstance(outcome.error, Unavailable):
            raise outcome.error


def _without_blocked(commands: Sequence[MovementCommand]) -> list[MovementCommand]:
    """Leave out operations that need a locked wallet, and what stands behind them."""
    locked = set(_locking.find_blocked({id_ for c in commands for id_ in c.wallets}))
    waiting: set[UUID] = set()
    free = []
    for command in commands:
        if command.wallet in waiting or locked.intersection(command.wallets):
            waiting.add(command.wallet)
        else:
            free.append(command)
    return free


def _command(row: Operation) -> MovementCommand:
    return MovementCommand(
        kind=Kind(row.kind),
        client=row.client,
        actor=row.actor,
        wallet=row.wallet,
        counterparty=row.counterparty,
        currency=row.currency,
        amount=row.amount,
        key=Key(bytes(row.idempotency_key), "", "operation"),
        request_hash=bytes(row.request_hash),
        reference=row.reference,
        channel=row.channel,
        description=row.description,
        metadata=row.metadata,
        value_date=row.value_date,
        operation=row.id,
    )
