"""The effect of a request that was approved: exactly once, whenever a process dies."""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import transaction

from wallet_project.kit import database
from wallet_project.kit.audit import Actor
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import DomainError, Unavailable
from wallets.approvals import queries, registry, sealing
from wallets.approvals.errors import ApprovalAltered, ApprovalDecided
from wallets.approvals.models import Approval, Status
from wallets.approvals.operations import _rows
from wallets.approvals.registry import Kind, Outcome
from wallets.sources import primary_clock

logger = logging.getLogger(__name__)


def carry_out(approval: UUID) -> Approval:
    """Do what was approved, unless it was done meanwhile; return the request as it is then.

    :raises django.db.Error: beyond what retrying heals; the request stays APPROVED.
    """
    row = queries.get(approval)
    if row.status != Status.APPROVED:
        return row
    kind, by = registry.find(row.kind), _checker(row)
    try:
        if not sealing.is_unaltered(row):
            _sound_alarm(row, by)
            raise ApprovalAltered("The row is not what was approved.")
        if kind.is_atomic:
            return _within(approval, kind, by)
        outcome = kind.carry_out(row, by)
    except Unavailable as error:
        # Not now; beat tries again.
        logger.warning(
            "approvals.put_off", extra={"approval": str(approval), "reason": error.detail}
        )
        return queries.get(approval)
    except DomainError as error:
        return _finish(approval, by, Status.FAILED, failure=error.detail)
    return _finish(approval, by, Status.CARRIED_OUT, outcome=outcome)


def _within(approval: UUID, kind: Kind, by: Actor) -> Approval:
    """Let effect and status stand or fall together."""

    def body() -> Approval:
        with transaction.atomic(using=PRIMARY, durable=True):
            row = _rows.lock(approval)
            if row.status == Status.APPROVED:
                _end(row, by, Status.CARRIED_OUT, outcome=kind.carry_out(row, by))
            return row

    return database.run_retrying(body, database.INTERACTIVE, operation="carry_out_approval")


def _finish(
    approval: UUID, by: Actor, to: Status, *, outcome: Outcome | None = None, failure: str = ""
) -> Approval:
    def body() -> Approval:
        with transaction.atomic(using=PRIMARY, durable=True):
            row = _rows.lock(approval)
            if row.status == Status.APPROVED:
                _end(row, by, to, outcome=outcome, failure=failure)
            return row

    return database.run_retrying(body, database.INTERACTIVE, operation="finish_approval")


def _end(
    row: Approval, by: Actor, to: Status, *, outcome: Outcome | None = None, failure: str = ""
) -> None:
    told = outcome or Outcome("")
    _rows.move(
        row,
        to,
        finished_at=primary_clock(),
        outcome=told.text[:255],
        transaction_id=told.transaction_id,
        failure=failure[:500],
    )
    verb = "carry_out" if to == Status.CARRIED_OUT else "fail"
    entry = str(told.transaction_id) if told.transaction_id else None
    more = {"outcome": told.text, "transaction": entry, "failure": failure}
    _rows.note(by, verb, row, reason=row.decision_note, more=more)


def _checker(row: Approval) -> Actor:
    """Name who decided: he is the one who acts, also when a task does it for him.

    :raises ApprovalDecided: if nobody did, which the database does not let be.
    """
    if row.decided_by is None:
        raise ApprovalDecided(f"Nobody has decided about {row.pk}.")
    return Actor(id=f"staff:{row.decided_by}", name=row.decided_by_name)


def _sound_alarm(row: Approval, by: Actor) -> None:
    with transaction.atomic(using=PRIMARY):
        _rows.alarm(row, by, primary_clock())
