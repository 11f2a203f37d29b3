"""The shapes of payouts; see `wallets/api/shapes.py`."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from wallets.api.shapes import (
    AmountIn,
    AmountOut,
    Body,
    Channel,
    CurrencyCode,
    Description,
    Id,
    Metadata,
    ReferenceId,
    Shown,
    Time,
    WalletName,
)

Destination = Annotated[
    dict[str, Any],
    Meta(
        min_length=1,
        description="Whom to pay, as the gateway wants it told: 1 to 20 keys and 4 KiB as JSON. "
        "No event tells it.",
        extra_json_schema={"additionalProperties": {}},
        examples=[{"iban": "DE02120300000000202051", "name": "Alice"}],
    ),
]
PayoutStatusShown = Annotated[
    str,
    Meta(
        extra_json_schema={
            "enum": [
                "PENDING",
                "SENDING",
                "UNKNOWN",
                "CAPTURING",
                "RELEASING",
                "PAID",
                "REFUSED",
            ]
        }
    ),
]


class RequestPayout(Body, frozen=True, kw_only=True):
    """Money that a payment gateway is to pay to the outside."""

    wallet_id: WalletName
    amount: AmountIn
    destination: Destination
    currency: CurrencyCode | None = None
    reference_id: ReferenceId | None = None
    description: Description | None = None
    metadata: Metadata | None = None
    channel: Channel | None = None


class PayoutShown(Shown, frozen=True, kw_only=True):
    """A payout. A field without value is null."""

    payout_id: Annotated[Id, Meta(description="Its hold has the same id.")]
    wallet_id: Id
    status: PayoutStatusShown
    amount: AmountOut
    currency: CurrencyCode
    channel: Channel
    destination: Destination
    reference_id: ReferenceId | None
    attempts: Annotated[
        int,
        Meta(
            description="Steps taken so far: to send it, to ask what became of it, and to book the "
            "answer. A payout that is paid at the first go has two.",
            examples=[1],
        ),
    ]
    next_attempt_at: Annotated[
        Time | None, Meta(description="When the next step is due; null at the end.")
    ]
    reason: Annotated[
        str | None,
        Meta(
            description="Why it waits (`gateway_away`, `no_answer`, `gateway_decides`, "
            "`wallet_frozen`), or why the gateway refused.",
            examples=["gateway_away"],
        ),
    ]
    gateway_reference: str | None
    transaction_id: Annotated[Id | None, Meta(description="Of the capture, once it is paid.")]
    created_at: Time
    ended_at: Time | None


class PayoutPage(Shown, frozen=True, kw_only=True):
    """Payouts, newest first."""

    items: list[PayoutShown]
    next_cursor: Annotated[str | None, Meta(description="Null on the last page.")]
