"""The shapes of holds; see `wallets/api/shapes.py`."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Raw

from wallets.api.shapes import (
    AmountIn,
    AmountOut,
    Body,
    Channel,
    CurrencyCode,
    Description,
    Id,
    Metadata,
    MovementShown,
    ReferenceId,
    Shown,
    Time,
    ValueDate,
)

NOT_SENT: Final = Raw(b"")
"""An amount that the caller left out. A null is no amount: it may be a number that was lost."""

ExpiresIn = Annotated[
    int,
    Meta(
        ge=1,
        le=366 * 86_400,
        description="Seconds after which the hold ends by itself; instead of `expiresAt`.",
        examples=[604_800],
    ),
]
ExpiresAt = Annotated[
    str,
    Meta(
        description="From when on the hold does not count any more: RFC 3339, without a zone UTC, "
        "at most 366 days from now. Without it and `expiresIn`: never.",
        examples=["2026-01-22T10:30:00Z"],
        extra_json_schema={"format": "date-time"},
    ),
]
HoldStatusShown = Annotated[
    str, Meta(extra_json_schema={"enum": ["ACTIVE", "CAPTURED", "VOIDED", "EXPIRED"]})
]


class PlaceHold(Body, frozen=True, kw_only=True):
    """Money to be set aside."""

    amount: AmountIn
    currency: CurrencyCode | None = None
    reference_id: ReferenceId | None = None
    description: Description | None = None
    metadata: Metadata | None = None
    channel: Channel | None = None
    expires_at: ExpiresAt | None = None
    expires_in: ExpiresIn | None = None


class CaptureHold(Body, frozen=True, kw_only=True):
    """How much of a hold leaves; without an amount all of it. The body may be left out."""

    amount: AmountIn = msgspec.field(default_factory=lambda: NOT_SENT)
    currency: CurrencyCode | None = None
    reference_id: ReferenceId | None = None
    description: Description | None = None
    metadata: Metadata | None = None
    value_date: ValueDate | None = None


class VoidHold(Body, frozen=True, kw_only=True):
    """A hold is given up. The body may be left out."""

    reference_id: ReferenceId | None = None


class HoldShown(Shown, frozen=True, kw_only=True):
    """A hold. A field without value is null."""

    hold_id: Id
    wallet_id: Id
    status: HoldStatusShown
    amount: AmountOut
    captured_amount: Annotated[AmountOut, Meta(description="What has left the wallet.")]
    currency: CurrencyCode
    channel: Channel
    reference_id: ReferenceId | None
    description: Description | None
    metadata: Metadata | None
    expires_at: Time | None
    payout_id: Annotated[Id | None, Meta(description="The payout that the hold is for.")]
    transaction_id: Annotated[Id | None, Meta(description="The capture's.")]
    version: Annotated[
        int, Meta(description="The wallet's, when the hold came to this status.", examples=[3])
    ]
    created_at: Time
    ended_at: Time | None


class CaptureShown(MovementShown, frozen=True, kw_only=True):
    """A capture as it was posted: equal at every repeat."""

    type: Annotated[str, Meta(extra_json_schema={"enum": ["CAPTURE"]})]
    hold_id: Id


class HoldPage(Shown, frozen=True, kw_only=True):
    """Holds, newest first."""

    items: list[HoldShown]
    next_cursor: Annotated[str | None, Meta(description="Null on the last page.")]
