"""The shapes of statements and exports; see `wallets/api/shapes.py`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from wallets.api.shapes import (
    AmountOut,
    Body,
    CurrencyCode,
    Id,
    ReferenceId,
    Shown,
    Time,
    WalletName,
)
from wallets.exports.models import ExportStatus, Format, Kind

Since = Annotated[
    str,
    Meta(
        description="The first moment that counts, in RFC 3339; without a zone it is UTC. Left "
        "out: the wallet's beginning.",
        examples=["2026-01-01T00:00:00Z"],
    ),
]
Before = Annotated[
    str,
    Meta(
        description="The first moment that does not count any more. Left out: all there is.",
        examples=["2026-02-01T00:00:00Z"],
    ),
]
Hash = Annotated[
    str,
    Meta(
        description="SHA-256 as hexadecimal digits.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    ),
]


class RequestExport(Body, frozen=True, kw_only=True):
    """A file to be made in the background."""

    type: Annotated[str, Meta(extra_json_schema={"enum": Kind.values})]
    wallet_id: WalletName
    format: Annotated[str, Meta(extra_json_schema={"enum": Format.values})]
    since: Since | None = msgspec.field(default=None, name="from")
    before: Before | None = msgspec.field(default=None, name="to")


class StatementLineShown(Shown, frozen=True, kw_only=True):
    """A movement as its wallet's statement tells it."""

    posting_sequence: int
    created_at: Time
    value_date: Annotated[str, Meta(extra_json_schema={"format": "date"})]
    transaction_id: Id
    type: Annotated[str, Meta(examples=["TRANSFER_IN"])]
    reference_id: ReferenceId | None
    direction: Annotated[str, Meta(extra_json_schema={"enum": ["CREDIT", "DEBIT"]})]
    amount: AmountOut
    balance: Annotated[AmountOut, Meta(description="After the movement.")]
    mark: Annotated[
        str, Meta(description="Begins the line's own SHA-256: tells which line was changed.")
    ]


class StatementShown(Shown, frozen=True, kw_only=True):
    """A statement. Its hash covers all of it: docs/statements.md says how, byte by byte."""

    format: Annotated[str, Meta(extra_json_schema={"enum": ["wallet-statement/1"]})]
    statement_id: Annotated[Id, Meta(description="The statement's number.")]
    wallet_id: Id
    currency: CurrencyCode
    since: Time | None = msgspec.field(name="from")
    before: Time | None = msgspec.field(name="to")
    issued_at: Time
    first_sequence: Annotated[int, Meta(description="Posting sequence of the first line.")]
    last_sequence: Annotated[
        int, Meta(description="Of the last one; one below the first where there is no line.")
    ]
    opening_balance: AmountOut
    lines: list[StatementLineShown]
    closing_balance: AmountOut
    line_count: int
    total_credits: AmountOut
    total_debits: AmountOut
    sha256: Hash


class IssuedStatementShown(Shown, frozen=True, kw_only=True):
    """A statement that was issued, and whether the books still say the same."""

    statement_id: Id
    wallet_id: Id
    currency: CurrencyCode
    since: Time | None = msgspec.field(name="from")
    before: Time | None = msgspec.field(name="to")
    issued_at: Time
    first_sequence: int
    last_sequence: int
    opening_balance: AmountOut
    closing_balance: AmountOut
    line_count: int
    total_credits: AmountOut
    total_debits: AmountOut
    sha256: Hash
    verified: Annotated[
        bool | None,
        Meta(
            description="Whether the books, walked now, make the same hash. Null: it has too many "
            "lines to be walked while a caller waits; `manage.py verify_statement` walks them."
        ),
    ]
    differences: list[str]


class ExportShown(Shown, frozen=True, kw_only=True):
    """An export as it stands."""

    export_id: Id
    type: Annotated[str, Meta(extra_json_schema={"enum": Kind.values})]
    wallet_id: Id
    since: Time | None = msgspec.field(name="from")
    before: Time | None = msgspec.field(name="to")
    format: Annotated[str, Meta(extra_json_schema={"enum": Format.values})]
    status: Annotated[str, Meta(extra_json_schema={"enum": ExportStatus.values})]
    line_count: int
    progress_done: Annotated[
        int, Meta(description="Steps; the lines of a statement are walked twice.")
    ]
    progress_of: Annotated[
        int, Meta(description="Steps in all, not lines: of a statement twice its lines.")
    ]
    statement_id: Id | None
    error: str | None
    size: Annotated[int | None, Meta(description="Bytes of the file, once it is there.")]
    sha256: Annotated[Hash | None, Meta(description="Of the file's bytes.")]
    download_url: Annotated[
        str | None,
        Meta(description="Leads to the file, for this caller and for some hours; signed anew."),
    ]
    download_url_expires_at: Time | None
    created_at: Time
    finished_at: Time | None
    expires_at: Annotated[Time | None, Meta(description="When the file is removed.")]


class ExportPage(Shown, frozen=True, kw_only=True):
    """Some exports, newest first."""

    items: list[ExportShown]
    next_cursor: str | None
