"""Take a match apart."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import F

from wallet_project.kit import audit, clock, database
from wallet_project.kit.database import PRIMARY
from wallets.reconciliation.errors import MatchEnded
from wallets.reconciliation.models import ItemStatus, MatchEnd, MatchPart
from wallets.reconciliation.operations import _taking


def end_match(*, match: UUID, by: audit.Actor, reason: str) -> int:
    """End a match: its items are open again. The match stays, with its end beside it.

    Rules do not put the same items together again; people may. Returns how many items there were.

    :raises MatchEnded: if somebody did it before.
    """

    def body() -> int:
        with transaction.atomic(using=PRIMARY, durable=True):
            parts = MatchPart.objects.using(PRIMARY).filter(match_id=match)
            ids = list(parts.values_list("item_id", flat=True))
            ends = MatchEnd.objects.using(PRIMARY)
            if ends.filter(pk=match).exists():
                raise MatchEnded("The match was taken apart already.")
            _taking.lock(ids, needed=ItemStatus.MATCHED)
            ends.create(match_id=match, reason=reason, at=clock.now(), by=by.id)
            _taking.move(ids, ItemStatus.OPEN, leaves=(ItemStatus.MATCHED,), turn=F("turn") + 1)
            act = audit.Act("match.end", "reconciliation.match", str(match), reason)
            audit.record(by, act)
            return len(ids)

    return database.run_retrying(body, database.INTERACTIVE, operation="end_match")
