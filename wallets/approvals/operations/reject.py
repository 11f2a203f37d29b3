"""Turn down what somebody else has asked for."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from wallet_project.kit import database
from wallet_project.kit.audit import REASON_LENGTH_MAX, Actor
from wallet_project.kit.database import PRIMARY
from wallets.approvals import people, registry
from wallets.approvals.errors import RequestInvalid
from wallets.approvals.models import Approval, Status
from wallets.approvals.operations import _rows
from wallets.approvals.operations.approve import refuse_decision
from wallets.sources import primary_clock


def reject(*, approval: UUID, by: Actor, note: str) -> Approval:
    """Reject a request, whatever its amount; nothing is done.

    :raises ApprovalNotFound: if there is no such request.
    :raises OwnRequest: to whoever asked for it; he may withdraw it.
    :raises NotAllowed: without the right to approve this.
    :raises ApprovalDecided: if it does not wait any more.
    :raises RequestInvalid: without a note.
    """
    number = people.number_of(by)
    if not note.strip():
        raise RequestInvalid("Say why: who asked reads it.", field="note")

    def body() -> Approval:
        with transaction.atomic(using=PRIMARY, durable=True):
            row = _rows.lock(approval)
            refuse_decision(row, registry.find(row.kind), number)
            _rows.refuse_decided(row)
            moment = primary_clock()
            _rows.move(
                row,
                Status.REJECTED,
                decided_by=number,
                decided_by_name=by.name,
                decided_at=moment,
                decision_note=note.strip()[:REASON_LENGTH_MAX],
                finished_at=moment,
            )
            _rows.note(by, "reject", row, reason=note)
            return row

    return database.run_retrying(body, database.INTERACTIVE, operation="reject")
