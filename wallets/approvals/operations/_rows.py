"""Rows under their lock, and the guarded step from one status to the next."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from wallet_project.kit import audit
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import PRIMARY
from wallets.approvals import metrics
from wallets.approvals.errors import ApprovalDecided, ApprovalNotFound
from wallets.approvals.models import MOVES, Approval, Status

SUBJECT_TYPE: Final = "approvals.approval"

logger = logging.getLogger(__name__)


def lock(approval: UUID) -> Approval:
    """Return a request, locked to the end of the transaction.

    :raises ApprovalNotFound: if there is none of this id.
    """
    rows = Approval.objects.using(PRIMARY).select_for_update()
    found: Approval | None = rows.filter(pk=approval).first()
    if found is None:
        raise ApprovalNotFound(f"There is no request {approval}.")
    return found


def refuse_decided(row: Approval) -> None:
    """Refuse what does not wait any more.

    :raises ApprovalDecided: and how it ended.
    """
    if row.status != Status.PENDING:
        raise ApprovalDecided(f"The request is {row.get_status_display().lower()} already.")


def move(row: Approval, to: Status, **columns: Any) -> None:
    """Bring a request to a status, guarded: exactly one who tries succeeds.

    :raises ApprovalDecided: if somebody else was first.
    """
    if to not in MOVES.get(Status(row.status), ()):
        raise ApprovalDecided(f"From {row.status} there is no way to {to}.")
    rows = Approval.objects.using(PRIMARY).filter(pk=row.pk, status=row.status)
    if rows.update(status=to, **columns) != 1:
        raise ApprovalDecided("Somebody else was first.")
    row.status = to
    for name, value in columns.items():
        setattr(row, name, value)
    if to != Status.APPROVED:
        metrics.ENDED.labels(row.kind, to).inc()


def note(
    by: Actor, verb: str, row: Approval, *, reason: str, more: Mapping[str, Any] | None = None
) -> None:
    """Keep in the audit log what was done with a request, within its transaction."""
    detail = {"kind": row.kind, "subject": row.subject, "ticket": row.ticket, **(more or {})}
    if row.amount_minor is not None:
        detail |= {"amount_minor": row.amount_minor, "currency": row.currency}
    audit.record(by, Act(f"approval.{verb}", SUBJECT_TYPE, str(row.pk), reason, detail))


def alarm(row: Approval, by: Actor, moment: datetime) -> None:
    """Tell, within a transaction that stays, that a row is not what was asked for."""
    metrics.ALTERED.inc()
    logger.error("approvals.altered", extra={"approval": str(row.pk), "actor": by.id})
    note(by, "altered", row, reason="", more={"seen_at": moment.isoformat()})
