"""What of reconciling needs a second person: differences to suspense, and away from it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from wallet_project.kit.admin import money
from wallet_project.kit.audit import Actor
from wallet_project.kit.database import PRIMARY
from wallets.approvals import sealing
from wallets.approvals.models import Approval
from wallets.approvals.registry import Asked, Kind, Line, Outcome, register
from wallets.reconciliation.clearing import CLEARING
from wallets.reconciliation.errors import ItemsUnfit
from wallets.reconciliation.models import Item
from wallets.reconciliation.operations.post_approved import ApprovedDifference, post_approved
from wallets.reconciliation.operations.request_difference import KIND, difference_of

_ITEMS_SHOWN = 20


def _validate(ask: Asked) -> None:
    """Refuse what is not the difference of the items it names.

    :raises ItemsUnfit, NoDifference: as they say.
    """
    items = _items_of(ask.payload)
    if difference_of(items) != ask.payload["amount"] or abs(ask.payload["amount"]) != ask.amount:
        raise ItemsUnfit("The amount is not the difference of the items.")
    if (items[0].client, items[0].currency) != (ask.client, ask.currency):
        raise ItemsUnfit("The items are of another client or currency.")


def _describe(approval: Approval) -> list[Line]:
    payload = sealing.payload_of(approval)
    amount = payload["amount"]
    items = _items_of(payload)
    rail = f"external:{payload['channel']}:{approval.currency}"
    side = "credit" if amount > 0 else "debit"
    return [
        Line("Bank less books", money(amount, approval.currency), money(0, approval.currency)),
        Line("Posted between", rail, f"suspense:{approval.currency}, {side}"),
        *(
            Line(
                f"{item.get_side_display()}, {item.day}",
                f"{money(item.amount, item.currency)} {item.reference}",
                link=("reconciliation.item", item.pk),
            )
            for item in items[:_ITEMS_SHOWN]
        ),
    ]


def _carry_out(approval: Approval, by: Actor) -> Outcome:
    payload = sealing.payload_of(approval)
    if approval.client is None:
        raise ItemsUnfit("The request names no client.")
    entry = post_approved(
        difference=ApprovedDifference(
            approval=approval.pk,
            client=approval.client,
            channel=payload["channel"],
            currency=approval.currency,
            amount=payload["amount"],
            turns={UUID(id_): turn for id_, turn in payload["items"]},
            reason=approval.reason,
            owner=approval.requested_by_name,
        ),
        by=by,
    )
    text = f"{money(payload['amount'], approval.currency)} posted to suspense."
    return Outcome(text, entry)


def _items_of(payload: Any) -> list[Item]:
    ids = [UUID(id_) for id_, _ in payload["items"]]
    return list(Item.objects.using(PRIMARY).filter(pk__in=ids).order_by("pk"))


register(
    Kind(
        code=KIND,
        title="Post a difference to suspense",
        validate=_validate,
        describe=_describe,
        carry_out=_carry_out,
        request_right="reconciliation.request_difference",
        approve_right="reconciliation.approve_difference",
    )
)
register(CLEARING)
