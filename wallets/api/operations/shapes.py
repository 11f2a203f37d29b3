"""The shapes of asynchronous operations; see `wallets/api/shapes.py`."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from wallets.api.shapes import AmountOut, Body, Id, Movement, Shown, Time, WalletName

OperationType = Annotated[
    str,
    Meta(examples=["DEPOSIT"], extra_json_schema={"enum": ["DEPOSIT", "WITHDRAW", "TRANSFER"]}),
]
Status = Annotated[
    str,
    Meta(
        description="COMPLETED and FAILED are final. PROCESSING is not used today.",
        examples=["COMPLETED"],
        extra_json_schema={"enum": ["PENDING", "PROCESSING", "COMPLETED", "FAILED"]},
    ),
]


class OperationIn(Movement, Body, frozen=True, kw_only=True):
    """A movement to be accepted now and made afterwards, in the order of acceptance."""

    wallet_id: WalletName
    operation_type: OperationType
    destination_wallet_id: WalletName | None = None


class AcceptedShown(Shown, frozen=True, kw_only=True):
    """An operation as it was accepted: equal at every repeat. GET its Location for its status."""

    operation_id: Id
    wallet_id: Id
    status: Annotated[str, Meta(extra_json_schema={"enum": ["PENDING"]})] = "PENDING"


class OperationShown(Shown, frozen=True, kw_only=True):
    """An operation as it stands."""

    operation_id: Id
    wallet_id: Id
    operation_type: OperationType
    destination_wallet_id: Annotated[
        Any,
        Meta(
            description="Transfers only.",
            extra_json_schema={"type": "string", "format": "uuid"},
        ),
    ] = msgspec.UNSET
    amount: AmountOut
    status: Status
    reason: Annotated[
        str | None,
        Meta(
            description="Why it failed: the code that the call would have been refused with.",
            examples=["insufficient_funds"],
        ),
    ]
    transaction_id: Annotated[Id | None, Meta(description="Null unless it is completed.")]
    balance: Annotated[
        AmountOut | None,
        Meta(description="Of the wallet, after the movement. Null unless it is completed."),
    ]
    created_at: Time
    processed_at: Time | None


class OperationPage(Shown, frozen=True, kw_only=True):
    """Operations of a wallet, the one accepted last first."""

    items: list[OperationShown]
    next_cursor: Annotated[str | None, Meta(description="Null on the last page.")]
