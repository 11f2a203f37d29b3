"""End requests whose time has passed.

Nothing depends on this being in time: an approval looks at the clock itself, and so does a trigger.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import transaction

from wallet_project.kit import database
from wallet_project.kit.audit import Actor
from wallet_project.kit.database import PRIMARY
from wallets.approvals.models import Approval, Status
from wallets.approvals.operations import _rows
from wallets.sources import primary_clock

A_ROUND: Final = 500
_BEAT: Final = Actor(id="task:expire_approvals")


def expire_approvals() -> int:
    """End what waits and whose time has passed, at most 500 a call; return how many.

    :raises django.db.Error: beyond what retrying heals; what was ended before stays ended.
    """
    rows = Approval.objects.using(PRIMARY).filter(
        status=Status.PENDING, expires_at__lte=primary_clock()
    )
    due = list(rows.order_by("expires_at").values_list("pk", flat=True)[:A_ROUND])
    return sum(_expire(one) for one in due)


def _expire(approval: UUID) -> int:
    def body() -> int:
        with transaction.atomic(using=PRIMARY, durable=True):
            row = _rows.lock(approval)
            moment = primary_clock()
            if row.status != Status.PENDING or row.expires_at > moment:
                return 0
            _rows.move(row, Status.EXPIRED, finished_at=moment)
            _rows.note(_BEAT, "expire", row, reason="")
            return 1

    return database.run_retrying(body, database.INTERACTIVE, operation="expire_approvals")
