"""The shapes of the short dialect's bodies.

Amounts are JSON numbers that never were a float: raw digits on the way in and on the way out.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Raw

from wallets.api.shapes import Body, Id, ReferenceId, Shown, Time

EVENT_TYPES: Final = (
    "WALLET_CREATED",
    "FUNDS_DEPOSITED",
    "FUNDS_WITHDRAWN",
    "TRANSFER_SENT",
    "TRANSFER_RECEIVED",
)

Number = Annotated[
    Raw,
    Meta(
        description="Major units, taken exactly as written: above zero, without exponent, with no "
        "more decimals than the currency has.",
        extra_json_schema={"type": "number", "examples": [100]},
    ),
]
NumberOut = Annotated[
    Raw,
    Meta(
        description="Major units in the shortest exact form.",
        extra_json_schema={"type": "number", "examples": [100]},
    ),
]
Name = Annotated[
    str,
    Meta(description="The wallet as the caller named it.", examples=["user-123"]),
]


class ShortMovement(Body, frozen=True, kw_only=True):
    """A deposit or a withdrawal in the short dialect."""

    amount: Number
    reference_id: ReferenceId | None = None


class ShortTransfer(ShortMovement, frozen=True, kw_only=True):
    """A transfer in the short dialect."""

    to_wallet_id: Name


class ShortBalanceShown(Shown, frozen=True, kw_only=True):
    """What a wallet has."""

    wallet_id: Name
    balance: NumberOut


class ShortTransferShown(Shown, frozen=True, kw_only=True):
    """A transfer that is done."""

    saga_id: Annotated[Id, Meta(description="The transaction's id.")]
    state: Annotated[str, Meta(extra_json_schema={"enum": ["COMPLETED"]})]
    from_wallet_id: Name
    to_wallet_id: Name
    amount: NumberOut


class ShortHistoryItemShown(Shown, frozen=True, kw_only=True):
    """Something that happened to a wallet."""

    id: Annotated[int, Meta(description="Counts from 1 in each wallet.", examples=[2])]
    event_type: Annotated[str, Meta(extra_json_schema={"enum": list(EVENT_TYPES)})]
    amount: Annotated[
        Raw | None,
        Meta(
            description="Major units in the shortest exact form; null where no money moved.",
            extra_json_schema={"type": ["number", "null"], "examples": [100]},
        ),
    ]
    metadata: Annotated[
        dict[str, str] | None,
        Meta(
            description="`requestId`: the key that the caller sent; null when none was sent.",
            examples=[{"requestId": "req-001"}],
        ),
    ]
    created_at: Time


class ShortErrorShown(Shown, frozen=True, kw_only=True):
    """An error in the short dialect."""

    status_code: Annotated[int, Meta(examples=[422])]
    error: Annotated[str, Meta(examples=["InsufficientFundsError"])]
    message: str
    timestamp: Time


def number(text: str) -> Raw:
    """Make the JSON number of a decimal text."""
    return msgspec.Raw(text.encode("ascii"))
