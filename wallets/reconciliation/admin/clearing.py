"""The form that asks for suspense to be booked off, and the list that leads to it."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from wallet_project.kit import audit
from wallet_project.kit.acting import Asked, StaffAct
from wallet_project.kit.money import parse_amount
from wallets import client_names
from wallets.admin.cells import Cell, Section, amount, titles
from wallets.reconciliation import queries
from wallets.reconciliation.admin.forms import ClearForm
from wallets.reconciliation.models import SUSPENSE, Item, ItemStatus
from wallets.reconciliation.operations.request_clearing import (
    ClearingAsked,
    Target,
    request_clearing,
)
from wallets.reconciliation.standing import is_difference

ACT: Final = StaffAct(
    "clear",
    "Ask to clear it from suspense",
    "reconciliation.request_difference",
    form=ClearForm,
    hint="To the fees, or back to the rail it came from, when another person approves.",
)
_SHOWN: Final = 50


def is_offered(row: Item) -> bool:
    """Tell whether an item can be asked to be cleared."""
    return row.channel == SUSPENSE and row.status == ItemStatus.OPEN and is_difference(row)


def ask(request: HttpRequest, row: Item, asked: Asked) -> HttpResponse:
    """Put the request into the queue and lead to it.

    :raises DomainError: as `request_clearing`; nothing was asked for then.
    """
    text = asked["amount"].strip()
    wanted = ClearingAsked(
        item=row.pk,
        target=Target(asked["target"]),
        amount=parse_amount(text, row.currency) if text else None,
        reason=asked["reason"],
        ticket=asked["ticket"],
    )
    made = request_clearing(request=wanted, by=audit.actor_of(request), id=asked["request_id"])
    return HttpResponseRedirect(reverse("admin:approvals_approval_change", args=[made]))


def oldest() -> Section:
    """List what has been open on suspense for longest; each leads to its page, with the form."""
    rows = queries.oldest_on_suspense(_SHOWN)
    names = client_names.by_number({row.client for row in rows})
    return Section(
        f"The oldest {_SHOWN}, to be cleared",
        titles("Day", "Client", "Status", "Amount#", "Owner"),
        [
            [
                Cell(
                    row.day.isoformat(), reverse("admin:reconciliation_item_change", args=[row.pk])
                ),
                Cell(names.get(row.client, "")),
                Cell(row.get_status_display()),
                amount(row.amount, row.currency),
                Cell(row.owner or "nobody"),
            ]
            for row in rows
        ],
        "Nothing is open on suspense.",
    )
