"""Match items by hand."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import transaction

from wallet_project.kit import audit, clock, database
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.ids import uuid7
from wallet_project.kit.money import format_minor
from wallets.reconciliation.errors import SumsDiffer
from wallets.reconciliation.models import RuleName
from wallets.reconciliation.operations import _taking


def match_items(*, items: Collection[UUID], by: audit.Actor, reason: str) -> UUID:
    """Match open items, whose lines and postings sum to the same; return the match.

    :raises ItemsUnfit: if they are fewer than two, or of several channels or currencies.
    :raises ItemsTaken: if one is not open any more.
    :raises SumsDiffer: if the sums differ; ask for the difference to be posted, or choose again.
    """

    def body() -> UUID:
        with transaction.atomic(using=PRIMARY, durable=True):
            chosen = _taking.lock(items)
            _taking.check_fit(chosen)
            lines, postings = _taking.sums(chosen)
            if lines != postings:
                currency = chosen[0].currency
                raise SumsDiffer(
                    f"The lines sum to {format_minor(lines, currency)} {currency}, the postings "
                    f"to {format_minor(postings, currency)}.",
                    lines=lines,
                    postings=postings,
                )
            new = _taking.NewMatch(uuid7(), RuleName.BY_HAND, chosen, {}, reason=reason)
            _taking.match([new], at=clock.now(), by=by.id)
            detail = {"items": [str(item.pk) for item in chosen]}
            act = audit.Act("match.make", "reconciliation.match", str(new.id), reason, detail)
            audit.record(by, act)
            return new.id

    return database.run_retrying(body, database.INTERACTIVE, operation="match_items")
