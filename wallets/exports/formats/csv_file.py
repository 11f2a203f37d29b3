"""Statements and transactions as comma separated values (RFC 4180, UTF-8)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from ledger.statement_verifier import COLUMNS, FORMAT, HEAD_FACTS, TAIL_FACTS, Line, leaf, mark
from wallets.exports.figures import Movement, Range
from wallets.exports.formats.document import TextDocument, guarded
from wallets.exports.issuing import Issued

MOVEMENT_COLUMNS: Final = (
    *("transaction_id", "type", "direction", "amount", "currency", "balance", "posting_sequence"),
    *("counterparty_wallet_id", "reference_id", "description", "metadata", "channel"),
    *("created_at", "value_date"),
)
CALLERS_TEXTS: Final = frozenset({"reference_id", "description", "metadata"})


class StatementCsv(TextDocument[Line]):
    """A statement: rows of facts, then lines, then facts."""

    media_type = "text/csv; charset=utf-8"
    suffix = "csv"

    def __init__(self, issued: Issued) -> None:
        self._issued = issued
        self._currency = issued.head.currency

    def begin(self) -> bytes:
        """Write the columns, and what is known before the lines."""
        head = zip(HEAD_FACTS, self._issued.head, strict=True)
        return _csv([COLUMNS, _fact("format", FORMAT), *(_fact(*one) for one in head)])

    def add(self, rows: Sequence[Line], *, after: int) -> bytes:
        """Write lines."""
        return _csv(
            [
                "line",
                *(line.sequence, line.posted_at, line.value_date, line.transaction, line.type),
                guarded(line.reference),
                "" if line.amount.startswith("-") else line.amount,
                line.amount[1:] if line.amount.startswith("-") else "",
                *(line.balance, self._currency, mark(leaf(line))),
            ]
            for line in rows
        )

    def end(self) -> bytes:
        """Write what follows from the lines, and the hash."""
        tail = zip(TAIL_FACTS, self._issued.tail, strict=True)
        return _csv([*(_fact(*one) for one in tail), _fact("sha256", self._issued.sha256)])


class MovementsCsv(TextDocument[Movement]):
    """Transactions as seen from their wallet."""

    media_type = "text/csv; charset=utf-8"
    suffix = "csv"

    def __init__(self, within: Range) -> None:
        self._currency = within.currency

    def begin(self) -> bytes:
        """Write the columns."""
        return _csv([MOVEMENT_COLUMNS])

    def add(self, rows: Sequence[Movement], *, after: int) -> bytes:
        """Write transactions."""
        return _csv(
            [
                guarded(text) if name in CALLERS_TEXTS else text
                for name, text in zip(MOVEMENT_COLUMNS, cells(one, self._currency), strict=True)
            ]
            for one in rows
        )

    def end(self) -> bytes:
        """Write nothing."""
        return b""


def cells(one: Movement, currency: str) -> list[str]:
    """Print a transaction, a text for each column."""
    line, is_debit = one.line, one.line.amount.startswith("-")
    return [
        *(line.transaction, line.type, "DEBIT" if is_debit else "CREDIT"),
        *(line.amount.removeprefix("-"), currency, line.balance, line.sequence),
        "" if one.counterparty is None else str(one.counterparty),
        *(line.reference, one.description or ""),
        "" if not one.metadata else msgspec.json.encode(one.metadata).decode(),
        *(one.channel, line.posted_at, line.value_date),
    ]


def _fact(name: str, value: str | None) -> list[str]:
    return ["fact", "", "", "", "", name, value or "", "", "", "", "", ""]


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
