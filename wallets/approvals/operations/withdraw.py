"""Take back a request of one's own."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from wallet_project.kit import database
from wallet_project.kit.audit import Actor
from wallet_project.kit.database import PRIMARY
from wallets.approvals import people
from wallets.approvals.errors import NotAllowed
from wallets.approvals.models import Approval, Status
from wallets.approvals.operations import _rows
from wallets.sources import primary_clock


def withdraw(*, approval: UUID, by: Actor, note: str = "") -> Approval:
    """Withdraw a request that nobody has decided about; nothing is done.

    :raises ApprovalNotFound: if there is no such request.
    :raises NotAllowed: to anybody but who asked for it.
    :raises ApprovalDecided: if it does not wait any more.
    """
    number = people.number_of(by)

    def body() -> Approval:
        with transaction.atomic(using=PRIMARY, durable=True):
            row = _rows.lock(approval)
            if row.requested_by != number:
                raise NotAllowed("Only who asked for it can withdraw it; others reject it.")
            _rows.refuse_decided(row)
            _rows.move(row, Status.WITHDRAWN, finished_at=primary_clock())
            _rows.note(by, "withdraw", row, reason=note)
            return row

    return database.run_retrying(body, database.INTERACTIVE, operation="withdraw")
