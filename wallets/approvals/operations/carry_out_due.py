"""Do what was approved and left undone: its process died, or something was not available."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models import F, Q

from wallet_project.kit.database import PRIMARY
from wallets.approvals.models import Approval, Status
from wallets.approvals.operations._carrying import carry_out
from wallets.sources import primary_clock

RESTED: Final = timedelta(seconds=30)
"""Whoever approved it is at work on it for so long."""
A_ROUND: Final = 100


def carry_out_due(*, rested: timedelta = RESTED) -> int:
    """Carry out what was approved and last tried so long ago; return how many are done with.

    :raises django.db.Error: beyond what retrying heals; what comes behind it waits for the next
        call, which begins with what was tried the longest time ago.
    """
    done = 0
    for approval in _due(rested):
        rows = Approval.objects.using(PRIMARY).filter(pk=approval, status=Status.APPROVED)
        if rows.update(tried_at=primary_clock(), attempts=F("attempts") + 1):
            done += carry_out(approval).status != Status.APPROVED
    return done


def _due(rested: timedelta) -> list[UUID]:
    before = primary_clock() - rested
    rows = Approval.objects.using(PRIMARY).filter(status=Status.APPROVED, decided_at__lte=before)
    untried = Q(tried_at__isnull=True) | Q(tried_at__lte=before)
    found = rows.filter(untried).order_by(F("tried_at").asc(nulls_first=True))
    return list(found.values_list("pk", flat=True)[:A_ROUND])
