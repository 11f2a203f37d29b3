"""From payouts to answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from wallet_project.kit.clock import rfc3339
from wallet_project.kit.money import format_minor
from wallets.api import parameters, rendering
from wallets.api.calls import Answer, Call
from wallets.api.payouts.parsing import ParsedPayout
from wallets.api.payouts.shapes import PayoutPage, PayoutShown
from wallets.models import PayoutStatus
from wallets.operations._commands import Outcome
from wallets.payout_queries import PayoutView

CURSOR: Final = b"p"
"""What cursors of lists of payouts begin with."""


def requested(call: Call, asked: ParsedPayout, outcome: Outcome) -> Answer:
    """Answer POST /payouts with the payout as it was put down: equal at every repeat.

    :raises DomainError: the refusal that the outcome holds instead of a hold.
    """
    call.replayed = outcome.replayed
    hold = outcome.unwrap_hold()
    view = PayoutView(
        id=hold.id,
        wallet_id=hold.wallet_id,
        currency=hold.currency,
        amount=hold.amount,
        channel=hold.channel,
        reference=hold.reference,
        destination=asked.destination,
        status=PayoutStatus.PENDING.value,
        attempts=0,
        next_attempt_at=hold.created_at,
        reason="",
        gateway_reference="",
        transaction_id=None,
        created_at=hold.created_at,
        ended_at=None,
    )
    where = f"{rendering.BASE}/payouts/{hold.id}"
    return rendering.answer(call, 202, _payout(view), location=where, version=hold.version)


def shown(call: Call, view: PayoutView) -> Answer:
    """Answer GET /payouts/{id}."""
    return rendering.answer(call, 200, _payout(view))


def page(call: Call, found: Sequence[PayoutView], limit: int) -> Answer:
    """Answer GET /payouts; one payout more than the limit tells that another follows."""
    items = found[:limit]
    more = parameters.ids_cursor(CURSOR, items[-1].id) if len(found) > limit else None
    return rendering.answer(
        call, 200, PayoutPage(items=[_payout(one) for one in items], next_cursor=more)
    )


def _payout(view: PayoutView) -> PayoutShown:
    return PayoutShown(
        payout_id=str(view.id),
        wallet_id=str(view.wallet_id),
        status=view.status,
        amount=format_minor(view.amount, view.currency),
        currency=view.currency,
        channel=view.channel,
        destination=dict(view.destination),
        reference_id=view.reference or None,
        attempts=view.attempts,
        next_attempt_at=None if view.next_attempt_at is None else rfc3339(view.next_attempt_at),
        reason=view.reason or None,
        gateway_reference=view.gateway_reference or None,
        transaction_id=None if view.transaction_id is None else str(view.transaction_id),
        created_at=rfc3339(view.created_at),
        ended_at=None if view.ended_at is None else rfc3339(view.ended_at),
    )
