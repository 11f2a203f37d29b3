"""The shapes of bulks and of the trial balance; see `shapes.py`."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Raw

from wallets.api.shapes import (
    AmountOut,
    Body,
    CurrencyCode,
    Movement,
    ReferenceId,
    Shown,
    Time,
    WalletName,
)

BulkType = Annotated[
    str,
    Meta(
        description="What to do, in lower or upper case.",
        examples=["deposit"],
        extra_json_schema={
            "enum": ["deposit", "withdraw", "transfer", "DEPOSIT", "WITHDRAW", "TRANSFER"]
        },
    ),
]
Atomic = Annotated[
    bool,
    Meta(
        description="True: all movements happen or none. Otherwise each stands by itself.",
        examples=[True],
    ),
]
_BULK_LENGTH: Final = Meta(min_length=1, max_length=1000)


class BulkItem(Movement, frozen=True, kw_only=True):
    """One movement of a bulk."""

    type: BulkType
    wallet_id: WalletName
    reference_id: ReferenceId
    destination_wallet_id: WalletName | None = None


class Bulk(Body, frozen=True, kw_only=True):
    """Movements to be made in this order."""

    transactions: Annotated[list[BulkItem], _BULK_LENGTH]
    atomic: Atomic | None = None


class BulkEnvelope(Body, frozen=True, kw_only=True):
    """A bulk as it is read first: each movement raw, so that a malformed one spoils no other."""

    transactions: Annotated[list[Raw], _BULK_LENGTH]
    atomic: Atomic | None = None


class BulkResult(Shown, frozen=True, kw_only=True):
    """How one movement of a bulk ended: with a body, or with a problem."""

    index: Annotated[int, Meta(description="Its place in the list, from 0.", examples=[0])]
    status: Annotated[
        int, Meta(description="What a call by itself would have answered.", examples=[201])
    ]
    body: Annotated[
        Any,
        Meta(
            extra_json_schema={
                "oneOf": [
                    {"$ref": "#/components/schemas/MovementShown"},
                    {"$ref": "#/components/schemas/TransferShown"},
                ]
            }
        ),
    ] = msgspec.UNSET
    problem: Annotated[Any, Meta(extra_json_schema={"$ref": "#/components/schemas/Problem"})] = (
        msgspec.UNSET
    )


class BulkResults(Shown, frozen=True, kw_only=True):
    """How each movement of a bulk ended, in the order of the request."""

    results: list[BulkResult]


class CurrencyTotalsShown(Shown, frozen=True, kw_only=True):
    """Both sides of the books in one currency; they are equal."""

    currency: CurrencyCode
    debit: AmountOut
    credit: AmountOut
    difference: Annotated[
        str, Meta(description="Credit less debit: always zero.", examples=["0.00"])
    ]


class AccountBalanceShown(Shown, frozen=True, kw_only=True):
    """A line of the trial balance."""

    code: Annotated[
        str,
        Meta(
            description="An account of the books, or `wallets:<currency>`: all wallets together.",
            examples=["wallets:USD"],
        ),
    ]
    currency: CurrencyCode
    balance: Annotated[
        str,
        Meta(
            description="Credit is positive, debit negative, so the lines of a currency sum to "
            "zero.",
            examples=["100.00"],
        ),
    ]


class TrialBalanceShown(Shown, frozen=True, kw_only=True):
    """All balances of the caller's books in one list."""

    as_of: Time
    currencies: list[CurrencyTotalsShown]
    accounts: list[AccountBalanceShown]
