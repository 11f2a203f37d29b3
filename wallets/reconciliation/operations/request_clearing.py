"""Ask for what stands on suspense to be booked off; somebody else decides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from wallet_project.kit import audit
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import DomainError
from wallets.approvals.models import Approval, Status
from wallets.approvals.operations.request_approval import request_approval
from wallets.approvals.operations.withdraw import withdraw
from wallets.approvals.registry import Asked
from wallets.reconciliation.errors import ItemsTaken, ItemsUnfit
from wallets.reconciliation.models import SUSPENSE, Item, ItemStatus
from wallets.reconciliation.operations.release_items import release_items
from wallets.reconciliation.operations.request_difference import reserve
from wallets.reconciliation.standing import standing_of

KIND = "clear_suspense"


class Target(StrEnum):
    """Where what stands on suspense goes."""

    FEES = "fees"
    RAIL = "rail"
    """The one that the difference is of."""


@dataclass(frozen=True, slots=True)
class ClearingAsked:
    """What leaves suspense, where to, and why it may."""

    item: UUID
    target: Target
    amount: int | None
    """Minor units, above zero; None: all that is left."""
    reason: str
    ticket: str


def request_clearing(*, request: ClearingAsked, by: audit.Actor, id: UUID) -> UUID:
    """Ask for a difference to be cleared, all of it or a part; until somebody has decided its
    item waits for nothing else. Returns the request's id, which is `id`.

    :raises ItemsUnfit, ItemsTaken, ClearingTooLarge: if there is nothing to ask for.
    :raises RequestInvalid, NotAllowed, AboveLimit: as `request_approval`.
    """
    item = _free(request.item, id)
    standing = standing_of(item)
    ask = Asked(
        kind=KIND,
        subject=str(standing.entry),
        reason=request.reason,
        ticket=request.ticket,
        payload={"item": [str(item.pk), item.turn], "target": request.target.value},
        client=item.client,
        amount=standing.left if request.amount is None else request.amount,
        currency=item.currency,
    )
    approval: Approval = request_approval(ask=ask, by=by, id=id)
    # A form that is sent again after the decision takes nothing.
    if approval.status == Status.PENDING:
        try:
            reserve(id, {item.pk: item.turn})
        except DomainError:
            withdraw(approval=id, by=by, note="Its item was matched meanwhile.")
            raise
    return id


def _free(id_: UUID, approval: UUID) -> Item:
    rows = Item.objects.using(PRIMARY)
    item = rows.filter(pk=id_).first()
    if item is None:
        raise ItemsUnfit("There is no such item.")
    if item.status == ItemStatus.ASKED:
        # The request it waited for may have ended since the channel was reconciled last.
        release_items(client=item.client, channel=SUSPENSE)
        item = rows.get(pk=id_)
    if item.status != ItemStatus.OPEN and item.difference != approval:
        raise ItemsTaken("The item is not open any more. Look again.")
    return item
