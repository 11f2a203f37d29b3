"""The shapes of bodies, in and out: the one source of what is decoded, encoded and documented.

Amounts come in raw, because a decoder's own idea of a number would lose digits or take `1e5`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Raw

from wallets.chart import REVERSED_BY, Kind

_UUID: Final = "01932f4e-7c1a-7b2e-9d54-0a6f5f1c2b3d"
_UUID2: Final = "01932f4e-8b10-7c44-8a01-6c1de5a4f907"
_TIME: Final = "2026-01-15T10:30:00.000000Z"

AmountIn = Annotated[
    Raw,
    Meta(
        description="A decimal string, or a JSON number taken exactly as written; above zero, "
        "without sign, exponent or separators, with no more decimals than the currency has.",
        examples=["100.00"],
        extra_json_schema={
            "oneOf": [
                {"type": "string", "pattern": "^(0|[1-9][0-9]*)([.][0-9]+)?$"},
                {"type": "number"},
            ],
        },
    ),
]
AmountOut = Annotated[
    str,
    Meta(description="Decimal string with all decimals of the currency.", examples=["100.00"]),
]
Time = Annotated[
    str,
    Meta(
        description="RFC 3339 in UTC with microseconds.",
        examples=[_TIME],
        extra_json_schema={"format": "date-time"},
    ),
]
Id = Annotated[str, Meta(examples=[_UUID], extra_json_schema={"format": "uuid"})]
CurrencyCode = Annotated[
    str, Meta(min_length=3, max_length=3, description="ISO 4217 code.", examples=["USD"])
]
Reference = Annotated[
    str,
    Meta(
        max_length=64,
        description="The caller's own name for the wallet, unique among the caller's wallets; "
        "it works wherever a wallet's id does. Never shaped like a UUID.",
        examples=["customer-42"],
        extra_json_schema={"pattern": "^[A-Za-z0-9][A-Za-z0-9._:@-]{0,63}$"},
    ),
]
UserId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=255,
        description="The caller's own name for the customer; need not be unique.",
        examples=["user123"],
    ),
]
Metadata = Annotated[
    dict[str, Any],
    Meta(
        description="Free-form notes: at most 20 keys and 4 KiB as JSON.",
        extra_json_schema={"additionalProperties": {}},
        examples=[{"tier": "gold"}],
    ),
]
ReferenceId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=255,
        description="The caller's own name for the movement. Without an Idempotency-Key header "
        "it is the idempotency key, within verb and wallet.",
        examples=["dep123"],
    ),
]
Reason = Annotated[
    str,
    Meta(
        max_length=255,
        description="For the log of the service; no answer and no event shows it.",
        examples=["card reported stolen"],
    ),
]
Description = Annotated[str, Meta(max_length=255, examples=["Initial deposit"])]
Channel = Annotated[
    str,
    Meta(
        description="The payment rail; `default` when none is named.",
        examples=["default"],
        extra_json_schema={"pattern": "^[a-z0-9-]{1,32}$"},
    ),
]
ValueDate = Annotated[
    str,
    Meta(
        description="The day the movement counts for, between 1970-01-01 and tomorrow (UTC). "
        "Without it, the day it is posted.",
        examples=["2026-01-15"],
        extra_json_schema={"format": "date"},
    ),
]
WalletName = Annotated[
    str, Meta(description="A wallet's UUID or the caller's own reference.", examples=[_UUID2])
]


REVERSALS: Final = tuple(kind.upper() for kind in REVERSED_BY.values())
"""The types of what takes a transaction back."""
ENTRIES: Final = tuple(kind.upper() for kind in Kind if kind not in (Kind.HOLD, Kind.VOID))
"""The types of what stands in the books."""


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Base of what callers send; a null is as good as a field that is not there."""


class OpenWallet(Body, frozen=True, kw_only=True):
    """What a new wallet is."""

    user_id: UserId | None = None
    currency: CurrencyCode | None = None
    reference: Reference | None = None
    metadata: Metadata | None = None


class PatchWallet(Body, frozen=True, kw_only=True):
    """A JSON merge patch (RFC 7396) of a wallet."""

    metadata: Metadata


class StatusChange(Body, frozen=True, kw_only=True):
    """Why a wallet is frozen, unfrozen or closed. The body may be left out."""

    reason: Reason | None = None


class Movement(Body, frozen=True, kw_only=True):
    """A deposit or a withdrawal."""

    amount: AmountIn
    currency: CurrencyCode | None = None
    reference_id: ReferenceId | None = None
    description: Description | None = None
    metadata: Metadata | None = None
    channel: Channel | None = None
    value_date: ValueDate | None = None


class Transfer(Movement, frozen=True, kw_only=True):
    """A transfer to another wallet of the same client."""

    destination_wallet_id: WalletName


class Shown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of what callers receive; every field is always there."""


class WalletShown(Shown, frozen=True, kw_only=True):
    """A wallet. A field without value is null."""

    id: Id
    user_id: UserId | None
    reference: Reference | None
    currency: CurrencyCode
    status: Annotated[str, Meta(extra_json_schema={"enum": ["ACTIVE", "FROZEN", "CLOSED"]})]
    balance: AmountOut
    held: AmountOut
    available: AmountOut
    version: Annotated[int, Meta(description="Rises by one with every change.", examples=[1])]
    metadata: Metadata
    created_at: Time
    updated_at: Time


class MovementShown(Shown, frozen=True, kw_only=True):
    """A deposit or withdrawal as it was posted: equal at every repeat."""

    transaction_id: Id
    type: Annotated[str, Meta(extra_json_schema={"enum": ["DEPOSIT", "WITHDRAWAL", "TRANSFER"]})]
    wallet_id: Id
    amount: AmountOut
    currency: CurrencyCode
    balance: Annotated[AmountOut, Meta(description="Of the named wallet, after the movement.")]
    version: Annotated[
        int, Meta(description="Of the named wallet, after the movement.", examples=[2])
    ]
    reference_id: ReferenceId | None
    description: Description | None
    created_at: Time


class TransferShown(Shown, frozen=True, kw_only=True):
    """A transfer as it was posted: equal at every repeat."""

    transaction_id: Id
    type: Annotated[str, Meta(extra_json_schema={"enum": ["TRANSFER"]})]
    wallet_id: Id
    destination_wallet_id: Id
    amount: AmountOut
    currency: CurrencyCode
    balance: Annotated[AmountOut, Meta(description="Of the source wallet, after the transfer.")]
    version: Annotated[
        int, Meta(description="Of the source wallet, after the transfer.", examples=[2])
    ]
    reference_id: ReferenceId | None
    description: Description | None
    created_at: Time


class BalanceShown(Shown, frozen=True, kw_only=True):
    """A wallet's money now."""

    wallet_id: Id
    balance: AmountOut
    held: AmountOut
    available: AmountOut
    currency: CurrencyCode
    version: Annotated[int, Meta(examples=[2])]
    as_of: Time
    stale: Annotated[bool, Meta(description="True while only a replica can answer.")]


class PastBalanceShown(Shown, frozen=True, kw_only=True):
    """A wallet's balance at a moment."""

    wallet_id: Id
    balance: AmountOut
    currency: CurrencyCode
    as_of: Time
    posting_sequence: Annotated[
        int, Meta(description="Of the last posting up to that moment; 0: none.", examples=[1])
    ]
    transaction_id: Id | None
    final: Annotated[
        bool, Meta(description="Nothing can be posted at or before that moment any more.")
    ]


class HistoryItemShown(Shown, frozen=True, kw_only=True):
    """A movement as seen from one of its wallets."""

    transaction_id: Id
    type: Annotated[
        str,
        Meta(
            extra_json_schema={
                "enum": [
                    "DEPOSIT",
                    "WITHDRAWAL",
                    "TRANSFER_OUT",
                    "TRANSFER_IN",
                    "CAPTURE",
                    *REVERSALS,
                ]
            }
        ),
    ]
    amount: AmountOut
    direction: Annotated[str, Meta(extra_json_schema={"enum": ["CREDIT", "DEBIT"]})]
    balance: Annotated[AmountOut, Meta(description="Of this wallet, after the movement.")]
    posting_sequence: Annotated[int, Meta(examples=[1])]
    counterparty_wallet_id: Id | None
    currency: CurrencyCode
    reference_id: ReferenceId | None
    description: Description | None
    metadata: Metadata | None
    created_at: Time
    value_date: ValueDate


class PostingShown(Shown, frozen=True, kw_only=True):
    """One leg of a transaction: a wallet's, or that of an account of the client's books."""

    wallet_id: Id | None
    account: Annotated[
        str | None, Meta(description="The account's code where the leg is no wallet's.")
    ]
    direction: Annotated[str, Meta(extra_json_schema={"enum": ["CREDIT", "DEBIT"]})]
    amount: AmountOut
    balance: Annotated[AmountOut | None, Meta(description="After the posting; wallets only.")]
    posting_sequence: int | None


class TransactionShown(Shown, frozen=True, kw_only=True):
    """A journal entry with all its legs."""

    transaction_id: Id
    type: Annotated[str, Meta(extra_json_schema={"enum": [*ENTRIES]})]
    amount: AmountOut
    currency: CurrencyCode
    reference_id: ReferenceId | None
    description: Description | None
    metadata: Metadata | None
    channel: Channel
    value_date: ValueDate
    created_at: Time
    reverses: Id | None
    corrects: Annotated[
        Id | None,
        Meta(description="The transaction that an adjustment by the operator's staff puts right."),
    ]
    postings: list[PostingShown]


class WalletPage(Shown, frozen=True, kw_only=True):
    """Wallets, newest first."""

    items: list[WalletShown]
    next_cursor: Annotated[str | None, Meta(description="Null on the last page.")]


class HistoryPage(Shown, frozen=True, kw_only=True):
    """Movements of a wallet, newest first."""

    items: list[HistoryItemShown]
    next_cursor: Annotated[str | None, Meta(description="Null on the last page.")]


class FieldProblem(Shown, frozen=True, kw_only=True):
    """One thing that is wrong with the request."""

    field: Annotated[str, Meta(examples=["amount"])]
    code: Annotated[str, Meta(examples=["too_many_decimals"])]
    detail: str


class Problem(Shown, frozen=True, kw_only=True):
    """An error as RFC 9457 has it. A refusal adds its numbers: `available`, `shortfall` …"""

    type: Annotated[str, Meta(examples=["/problems/insufficient_funds"])]
    title: str
    status: Annotated[int, Meta(examples=[422])]
    detail: str
    instance: str
    code: Annotated[str, Meta(examples=["insufficient_funds"])]
    request_id: str
    timestamp: Time
    errors: list[FieldProblem] = []
