"""From reversals to answers."""

from __future__ import annotations

from wallets.api import rendering
from wallets.api.calls import Answer, Call
from wallets.api.reversals.shapes import ReversalShown
from wallets.operations._commands import Outcome


def reversed_(call: Call, outcome: Outcome) -> Answer:
    """Answer POST /transactions/{id}/reverse.

    :raises DomainError: the refusal that the outcome holds instead of a record.
    """
    call.replayed = outcome.replayed
    record = outcome.unwrap()
    other = record.destination_wallet_id
    shown = ReversalShown(
        counterparty_wallet_id=None if other is None else str(other),
        reverses=str(record.reverses),
        **rendering.facts_of(record),
    )
    where = f"{rendering.BASE}/transactions/{record.transaction_id}"
    return rendering.answer(call, 201, shown, location=where, version=record.version)
