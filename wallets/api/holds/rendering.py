"""From holds to answers."""

from __future__ import annotations

from typing import Final

from wallet_project.kit.clock import rfc3339
from wallet_project.kit.money import format_minor
from wallets.api import parameters, rendering
from wallets.api.calls import Answer, Call
from wallets.api.holds.shapes import CaptureShown, HoldPage, HoldShown
from wallets.hold_queries import HoldsPage
from wallets.holds import HoldRecord
from wallets.models import HoldOwner
from wallets.operations._commands import Outcome

CURSOR: Final = b"o"
"""What cursors of lists of holds begin with."""


def placed(call: Call, outcome: Outcome) -> Answer:
    """Answer POST /wallets/{id}/holds.

    :raises DomainError: the refusal that the outcome holds instead of a hold.
    """
    call.replayed = outcome.replayed
    record = outcome.unwrap_hold()
    where = f"{rendering.BASE}/holds/{record.id}"
    return rendering.answer(call, 201, _hold(record), location=where, version=record.version)


def captured(call: Call, outcome: Outcome) -> Answer:
    """Answer POST /holds/{id}/capture.

    :raises DomainError: the refusal that the outcome holds instead of a record.
    """
    call.replayed = outcome.replayed
    record = outcome.unwrap()
    shown = CaptureShown(hold_id=str(record.hold_id), **rendering.facts_of(record))
    where = f"{rendering.BASE}/transactions/{record.transaction_id}"
    return rendering.answer(call, 201, shown, location=where, version=record.version)


def voided(call: Call, outcome: Outcome) -> Answer:
    """Answer POST /holds/{id}/void.

    :raises DomainError: the refusal that the outcome holds instead of a hold.
    """
    call.replayed = outcome.replayed
    record = outcome.unwrap_hold()
    return rendering.answer(call, 200, _hold(record), version=record.version)


def shown(call: Call, record: HoldRecord) -> Answer:
    """Answer GET /holds/{id}."""
    return rendering.answer(call, 200, _hold(record))


def page(call: Call, found: HoldsPage, limit: int) -> Answer:
    """Answer GET /wallets/{id}/holds; one hold more than the limit tells that another follows."""
    items = found.items[:limit]
    more = None
    if len(found.items) > limit:
        more = parameters.ids_cursor(CURSOR, items[-1].id)
    shown = HoldPage(items=[_hold(one) for one in items], next_cursor=more)
    return rendering.answer(call, 200, shown, stale_as_of=found.stale_as_of)


def _hold(record: HoldRecord) -> HoldShown:
    return HoldShown(
        hold_id=str(record.id),
        wallet_id=str(record.wallet_id),
        status=record.status,
        amount=format_minor(record.amount, record.currency),
        captured_amount=format_minor(record.captured, record.currency),
        currency=record.currency,
        channel=record.channel,
        reference_id=record.reference or None,
        description=record.description,
        metadata=None if record.metadata is None else dict(record.metadata),
        expires_at=None if record.expires_at is None else rfc3339(record.expires_at),
        payout_id=str(record.id) if record.owner == HoldOwner.PAYOUT else None,
        transaction_id=None if record.transaction_id is None else str(record.transaction_id),
        version=record.version,
        created_at=rfc3339(record.created_at),
        ended_at=None if record.ended_at is None else rfc3339(record.ended_at),
    )
