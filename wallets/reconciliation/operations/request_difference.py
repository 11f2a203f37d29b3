"""Ask for a difference to be posted to suspense; somebody else decides."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from wallet_project.kit import audit, database
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import DomainError
from wallet_project.kit.ids import uuid7
from wallets.approvals.models import Approval
from wallets.approvals.operations.request_approval import request_approval
from wallets.approvals.operations.withdraw import withdraw
from wallets.approvals.registry import Asked
from wallets.reconciliation.errors import ItemsTaken, ItemsUnfit, NoDifference
from wallets.reconciliation.models import SUSPENSE, Item, ItemStatus
from wallets.reconciliation.operations import _taking

KIND = "post_difference"


@dataclass(frozen=True, slots=True)
class DifferenceAsked:
    """Items whose sums differ, and why the difference may be posted."""

    items: Collection[UUID]
    reason: str
    ticket: str


def request_difference(*, request: DifferenceAsked, by: audit.Actor) -> UUID:
    """Ask for what the bank says beyond the books to be posted to suspense, so that the items
    agree; until somebody has decided they wait. Returns the request's id.

    :raises ItemsUnfit, ItemsTaken, NoDifference: if there is nothing to ask for.
    :raises RequestInvalid, NotAllowed, AboveLimit: as `request_approval`.
    """
    items = list(Item.objects.using(PRIMARY).filter(pk__in=list(request.items)).order_by("pk"))
    amount = difference_of(items)
    if any(item.status != ItemStatus.OPEN for item in items):
        raise ItemsTaken("An item is not open any more. Look again.")
    first = items[0]
    ask = Asked(
        kind=KIND,
        subject=f"{first.client}:{first.channel}:{first.currency}",
        reason=request.reason,
        ticket=request.ticket,
        payload={
            "channel": first.channel,
            "amount": amount,
            "items": [[str(item.pk), item.turn] for item in items],
        },
        client=first.client,
        amount=abs(amount),
        currency=first.currency,
    )
    approval: Approval = request_approval(ask=ask, by=by, id=uuid7())
    try:
        reserve(approval.pk, {item.pk: item.turn for item in items})
    except DomainError:
        withdraw(approval=approval.pk, by=by, note="Its items were matched meanwhile.")
        raise
    made: UUID = approval.pk
    return made


def difference_of(items: Collection[Item]) -> int:
    """Return what the bank says less what the books say; minor units.

    :raises ItemsUnfit: if there are none, or they are of several channels or on suspense.
    :raises NoDifference: if the sums agree.
    """
    if not items:
        raise ItemsUnfit("Choose at least one item.")
    if len({(item.client, item.channel, item.currency) for item in items}) > 1:
        raise ItemsUnfit("The items are of different clients, channels or currencies.")
    if any(item.channel == SUSPENSE for item in items):
        raise ItemsUnfit("What is on suspense already is cleared by an adjustment.")
    lines, postings = _taking.sums(items)
    if lines == postings:
        raise NoDifference("The sums agree: match the items.")
    return lines - postings


def reserve(approval: UUID, turns: dict[UUID, int]) -> list[Item]:
    """Let items wait for a request; those that do already stay so.

    :raises ItemsTaken: if one was matched, or waits for another request, or was matched and taken
        apart since.
    """

    def body() -> list[Item]:
        with transaction.atomic(using=PRIMARY, durable=True):
            rows = Item.objects.using(PRIMARY).select_for_update().filter(pk__in=list(turns))
            items = list(rows.order_by("pk"))
            free = [item for item in items if item.status == ItemStatus.OPEN]
            ours = [item for item in items if item.difference == approval]
            fit = all(item.turn == turns[item.pk] for item in items)
            if len(free) + len(ours) != len(turns) or not fit:
                raise ItemsTaken("An item is not open any more. Look again.")
            if free:
                _taking.move(
                    [item.pk for item in free],
                    ItemStatus.ASKED,
                    leaves=(ItemStatus.OPEN,),
                    difference=approval,
                )
            return items

    return database.run_retrying(body, database.INTERACTIVE, operation="reserve_items")
