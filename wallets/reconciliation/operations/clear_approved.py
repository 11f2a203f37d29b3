"""Clear what stands on suspense, as somebody else has approved."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from ledger import queries as books
from wallet_project.kit import audit
from wallet_project.kit.database import PRIMARY
from wallets import client_names, idempotency
from wallets.operations.clear_suspense import ClearingRequest, clear_suspense
from wallets.reconciliation.errors import ItemsTaken
from wallets.reconciliation.models import SUSPENSE, Item, ItemStatus
from wallets.reconciliation.operations.read_postings import read_postings
from wallets.reconciliation.operations.request_clearing import Target
from wallets.reconciliation.operations.request_difference import reserve
from wallets.reconciliation.standing import standing_of


@dataclass(frozen=True, slots=True)
class ApprovedClearing:
    """What was asked for and approved."""

    approval: UUID
    item: Item
    turn: int
    """The item's when it was asked for."""
    target: Target
    amount: int
    """Minor units, above zero."""
    reason: str
    owner: str
    """Who asked for it: what it leaves on suspense is his."""


def clear_approved(*, clearing: ApprovedClearing, by: audit.Actor) -> UUID:
    """Move it from suspense and let the item go; return the journal entry.

    Safe to be run again wherever it was cut off: the approval's id is the movement's key. The item
    waits for this request alone from before the money moves, so two requests never clear the same.

    :raises ItemsTaken: if the item was matched before the money moved; nothing is posted then.
    :raises ClearingTooLarge: if less than that is left; nothing is posted then.
    :raises Unavailable: when it is not known to be done; run it again.
    """
    item = clearing.item
    name = client_names.by_number([item.client])[item.client]
    key = idempotency.approved(item.client, clearing.approval)
    _hold(clearing, key)
    standing = standing_of(item)
    rail = standing.rail if clearing.target is Target.RAIL else ""
    posted = clear_suspense(
        request=ClearingRequest(
            client=item.client,
            client_name=name,
            currency=item.currency,
            entry=standing.entry,
            difference=standing.amount,
            amount=clearing.amount,
            rail=rail,
            key=key,
            approval=clearing.approval,
            reason=clearing.reason,
            by=by,
        )
    )
    for channel in (rail, SUSPENSE) if rail else (SUSPENSE,):
        read_postings(client=item.client, client_name=name, channel=channel)
    rows = Item.objects.using(PRIMARY)
    rows.filter(entry=posted.transaction_id, owner="").update(owner=clearing.owner)
    ours = rows.filter(pk=item.pk, status=ItemStatus.ASKED, difference=clearing.approval)
    ours.update(status=ItemStatus.OPEN, difference=None)
    return posted.transaction_id


def _hold(clearing: ApprovedClearing, key: idempotency.Key) -> None:
    """Let the item wait for this request, unless it was carried out before: then a run may have
    matched it since."""
    if books.hash_of_key(key.digest) is not None:
        return
    try:
        reserve(clearing.approval, {clearing.item.pk: clearing.turn})
    except ItemsTaken:
        # Another process may have been faster with the very same request.
        if books.hash_of_key(key.digest) is None:
            raise
