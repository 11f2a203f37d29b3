"""The shapes of reversals; see `wallets/api/shapes.py`."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Raw

from wallets.api.shapes import (
    REVERSALS,
    AmountIn,
    Body,
    CurrencyCode,
    Description,
    Id,
    Metadata,
    MovementShown,
    ReferenceId,
    ValueDate,
)

NOT_SENT: Final = Raw(b"")
"""An amount that the caller left out. A null is no amount: it may be a number that was lost."""


class Reverse(Body, frozen=True, kw_only=True):
    """How much of a transaction is taken back; without an amount all of it. The body may be left
    out."""

    amount: AmountIn = msgspec.field(default_factory=lambda: NOT_SENT)
    currency: CurrencyCode | None = None
    reference_id: ReferenceId | None = None
    description: Description | None = None
    metadata: Metadata | None = None
    value_date: ValueDate | None = None


class ReversalShown(MovementShown, frozen=True, kw_only=True):
    """A reversal as it was posted: equal at every repeat."""

    type: Annotated[str, Meta(extra_json_schema={"enum": list(REVERSALS)})]
    counterparty_wallet_id: Annotated[
        Id | None, Meta(description="A transfer's destination, from which the money came back.")
    ]
    reverses: Annotated[Id, Meta(description="The transaction that was taken back.")]
