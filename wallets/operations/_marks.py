"""Marks what was asked for with how it ended, in the transaction that ended it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from wallet_project.kit import audit, one_trip
from wallet_project.kit.database import PRIMARY, statement_by_primary_key
from wallet_project.kit.errors import Unavailable
from wallets.models import Operation, OperationStatus
from wallets.operations._commands import MovementCommand, Outcome

_COMPLETED: Final = ""
"""Stands where a failed operation has the code of its refusal."""


def mark(
    commands: Sequence[MovementCommand], outcomes: Sequence[Outcome], moment: datetime
) -> None:
    """Move the operations among these commands to their final status; one statement for each way
    to end. What could not be done now stays pending.

    Which transaction and balance it came to stands in the books under the same key. Whoever got
    there first has marked it: the guard lets a mark be set once.
    """
    ended: dict[str, list[int]] = defaultdict(list)
    for command, outcome in zip(commands, outcomes, strict=True):
        if command.operation is None or isinstance(outcome.error, Unavailable):
            continue
        ended[outcome.error.code if outcome.error else _COMPLETED].append(command.operation)
    for reason, numbers in ended.items():
        rows = Operation.objects.using(PRIMARY).filter(
            pk__in=sorted(numbers), status=OperationStatus.PENDING
        )
        is_done = reason == _COMPLETED
        sql, params = statement_by_primary_key(
            rows,
            status=OperationStatus.COMPLETED if is_done else OperationStatus.FAILED,
            reason=reason,
            description=None,
            metadata=None,
            processed_at=moment,
        )
        one_trip.change(sql, params)


def record_acts(commands: Sequence[MovementCommand], outcomes: Sequence[Outcome]) -> None:
    """Tell the audit log what staff have asked for and was done now, not before."""
    for command, outcome in zip(commands, outcomes, strict=True):
        if command.act is not None and outcome.error is None and not outcome.replayed:
            audit.record(*command.act)
