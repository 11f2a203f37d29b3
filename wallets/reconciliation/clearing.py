"""The request to clear what stands on suspense: to the fees, or back to the rail it came from."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from wallet_project.kit.admin import money
from wallet_project.kit.audit import Actor
from wallet_project.kit.database import PRIMARY
from wallets import policies
from wallets.approvals import sealing
from wallets.approvals.models import Approval
from wallets.approvals.registry import Asked, Kind, Line, Outcome
from wallets.reconciliation.errors import ItemsUnfit
from wallets.reconciliation.models import Item
from wallets.reconciliation.operations.clear_approved import ApprovedClearing, clear_approved
from wallets.reconciliation.operations.request_clearing import KIND, Target
from wallets.reconciliation.standing import Standing, standing_of


def _validate(ask: Asked) -> None:
    """Refuse what is not the difference of the item it names, or more than is left of it.

    :raises ItemsUnfit, ClearingTooLarge: as they say.
    """
    if set(ask.payload) != {"item", "target"} or ask.payload["target"] not in tuple(Target):
        raise ItemsUnfit("A clearing says an item, and a target: fees or rail.")
    item = _item_of(ask.payload)
    standing = standing_of(item)
    if (item.client, item.currency, str(standing.entry)) != (ask.client, ask.currency, ask.subject):
        raise ItemsUnfit("The item is of another client, currency or entry.")
    if ask.amount is None:
        raise ItemsUnfit("Give an amount.")
    if not standing.left:
        raise ItemsUnfit("Nothing is left of it on suspense.")
    refusal = policies.refuse_clearing(standing.left, ask.amount, ask.currency)
    if refusal is not None:
        raise refusal


def _describe(approval: Approval) -> list[Line]:
    said, currency = sealing.payload_of(approval), approval.currency
    item = _item_of(said)
    standing = standing_of(item)
    amount = approval.amount_minor or 0
    side = "debit" if standing.amount > 0 else "credit"
    target = _target_code(said, standing, currency)
    return [
        Line(
            "Clears",
            f"{money(amount, currency)} of {money(abs(standing.amount), currency)}",
            link=("ledger.journalentry", standing.entry),
        ),
        Line(
            "Left on suspense",
            money(standing.left, currency),
            money(max(standing.left - amount, 0), currency),
        ),
        Line("Posted between", target, f"suspense:{currency}, {side}"),
        Line("Open since", item.day.isoformat(), link=("reconciliation.item", item.pk)),
    ]


def _target_code(said: Any, standing: Standing, currency: str) -> str:
    if said["target"] == Target.FEES:
        return f"fees:{currency}"
    return f"external:{standing.rail}:{currency}"


def _carry_out(approval: Approval, by: Actor) -> Outcome:
    said = sealing.payload_of(approval)
    amount, item = approval.amount_minor or 0, _item_of(said)
    entry = clear_approved(
        clearing=ApprovedClearing(
            approval=approval.pk,
            item=item,
            turn=said["item"][1],
            target=Target(said["target"]),
            amount=amount,
            reason=approval.reason,
            owner=approval.requested_by_name,
        ),
        by=by,
    )
    target = _target_code(said, standing_of(item), approval.currency)
    return Outcome(f"{money(amount, approval.currency)} left suspense for {target}.", entry)


def _item_of(payload: Any) -> Item:
    id_, _ = payload["item"]
    found = Item.objects.using(PRIMARY).filter(pk=UUID(id_)).first()
    if found is None:
        raise ItemsUnfit("There is no such item.")
    return found


CLEARING: Final = Kind(
    code=KIND,
    title="Clear suspense",
    validate=_validate,
    describe=_describe,
    carry_out=_carry_out,
    request_right="reconciliation.request_difference",
    approve_right="reconciliation.approve_difference",
)
