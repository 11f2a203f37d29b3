"""The page on which an item is matched by hand, or its difference asked to be posted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from wallet_project.kit import audit
from wallet_project.kit.admin import money
from wallet_project.kit.database import PRIMARY
from wallets.reconciliation import queries
from wallets.reconciliation.errors import ItemsUnfit
from wallets.reconciliation.models import SUSPENSE, Item, Side
from wallets.reconciliation.operations.match_items import match_items
from wallets.reconciliation.operations.request_difference import (
    DifferenceAsked,
    request_difference,
)

_DAYS: Final = 10
_SHOWN: Final = 60
_CHOSEN_MAX: Final = 500
SUM: Final = "sum"
MATCH: Final = "match"
DIFFERENCE: Final = "difference"
_RIGHTS: Final = {
    MATCH: "reconciliation.work_item",
    DIFFERENCE: "reconciliation.request_difference",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form says."""

    chosen: frozenset[UUID]
    act: str = ""
    """What to do; empty: only to show."""
    reason: str = ""
    ticket: str = ""
    trouble: str = ""

    @classmethod
    def of(cls, request: HttpRequest, row: Item) -> Asked:
        """Read the form; the item of the page is always chosen."""
        chosen = {row.pk}
        for text in request.POST.getlist("item")[:_CHOSEN_MAX]:
            try:
                chosen.add(UUID(text))
            except ValueError:
                continue
        act = request.POST.get("act", "")
        return cls(
            frozenset(chosen),
            "" if act == SUM else act,
            request.POST.get("reason", "").strip()[: audit.REASON_LENGTH_MAX],
            request.POST.get("ticket", "").strip()[:100],
        )

    def refused(self, why: str) -> Asked:
        """Keep what was chosen, and say why nothing was done."""
        return replace(self, act="", trouble=why)


def link(row: Item) -> SafeString:
    """Link to the page of an open item."""
    url = reverse("admin:reconciliation_item_match", args=[row.pk])
    return format_html('<a class="text-link" href="{}">Match</a>', url)


def rights(act: str) -> Sequence[str]:
    """Tell which right an act takes; one that there is not takes what nobody has."""
    return [_RIGHTS.get(act, "reconciliation.no_such_act")]


def take(asked: Asked, by: audit.Actor) -> tuple[str, str]:
    """Do what was asked; return a sentence and where to go.

    :raises DomainError: as the operations do; nothing was done then.
    """
    if not asked.reason:
        raise ItemsUnfit("Say why: nobody will know later.")
    if asked.act == DIFFERENCE:
        wanted = DifferenceAsked(asked.chosen, asked.reason, asked.ticket)
        approval = request_difference(request=wanted, by=by)
        told = "It waits for somebody else to approve it."
        return told, reverse("admin:approvals_approval_change", args=[approval])
    match = match_items(items=asked.chosen, by=by, reason=asked.reason)
    back = reverse("admin:reconciliation_match_change", args=[match])
    return f"{len(asked.chosen)} items are matched.", back


def context(request: HttpRequest, row: Item, asked: Asked) -> dict[str, Any]:
    """Collect what the page shows."""
    others = queries.counterparts(row, days=_DAYS, limit=_SHOWN)
    known = {one.pk for one in others} | {row.pk}
    missing = Item.objects.using(PRIMARY).filter(pk__in=asked.chosen - known)
    shown = [row, *missing, *others]
    chosen = [one for one in shown if one.pk in asked.chosen]
    lines = sum(one.amount for one in chosen if one.side == Side.LINE)
    postings = sum(one.amount for one in chosen if one.side == Side.POSTING)
    return {
        "title": "Match by hand",
        "item": row,
        "rows": [_shown(one, row, asked) for one in shown],
        "lines_sum": money(lines, row.currency),
        "postings_sum": money(postings, row.currency),
        "difference": money(lines - postings, row.currency),
        "agrees": lines == postings,
        "reason": asked.reason,
        "ticket": asked.ticket,
        "trouble": asked.trouble,
        "days": _DAYS,
        "may_match": request.user.has_perm(_RIGHTS[MATCH]),
        "may_ask": row.channel != SUSPENSE and request.user.has_perm(_RIGHTS[DIFFERENCE]),
        "back": reverse("admin:reconciliation_item_changelist"),
    }


def _shown(one: Item, row: Item, asked: Asked) -> dict[str, Any]:
    return {
        "id": str(one.pk),
        "url": reverse("admin:reconciliation_item_change", args=[one.pk]),
        "side": one.get_side_display(),
        "tone": "info" if one.side == Side.LINE else "default",
        "day": one.day.isoformat(),
        "amount": money(one.amount, one.currency),
        "reference": one.reference or "-",
        "owner": one.owner or "-",
        "is_fixed": one.pk == row.pk,
        "is_chosen": one.pk in asked.chosen,
        "is_alike": bool(one.reference) and one.reference == row.reference and one.pk != row.pk,
    }
