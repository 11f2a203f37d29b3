"""Statements and transactions as Excel workbooks, row by row, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import xlsxwriter

from ledger.statement_verifier import Head, Line, leaf, mark
from wallet_project.kit.money import exponent_of
from wallets.exports.figures import Movement, Range
from wallets.exports.formats.csv_file import MOVEMENT_COLUMNS, cells
from wallets.exports.formats.document import BookDocument
from wallets.exports.issuing import Issued

EXACT_DIGITS: Final = 15
"""What a cell's number holds exactly. A longer amount is written as a text."""
MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LINE_COLUMNS: Final = (
    *("No.", "Posted (UTC)", "Value date", "Type", "Transaction", "Reference"),
    *("Credit", "Debit", "Balance", "Mark"),
)
_AMOUNTS: Final = frozenset({"amount", "balance"})
_WIDTHS: Final = (18, 27, 11, 20, 37, 40, 18, 18, 18, 10)


class _Book:
    """A workbook with one sheet that grows downwards. Texts are never taken for formulas."""

    def __init__(self, path: Path, title: str, currency: str, made_at: datetime) -> None:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book = xlsxwriter.Workbook(str(path), options)
        self._book.set_properties({"title": title, "created": made_at.replace(tzinfo=None)})
        self._sheet = self._book.add_worksheet(title)
        decimals = exponent_of(currency)
        shape = "#,##0" + ("." + "0" * decimals if decimals else "")
        self._money = self._book.add_format({"num_format": shape, "align": "right"})
        self._bold = self._book.add_format({"bold": True})
        self._row = 0

    def widths(self, widths: Sequence[int]) -> None:
        for column, width in enumerate(widths):
            self._sheet.set_column(column, column, width)

    def write(self, row: Sequence[str], amounts: frozenset[int], *, bold: bool = False) -> None:
        for column, text in enumerate(row):
            if column in amounts and text:
                self._amount(column, text)
            elif text:
                shape = self._bold if bold else None
                self._sheet.write_string(self._row, column, text, shape)
        self._row += 1

    def close(self) -> None:
        self._book.close()

    def _amount(self, column: int, text: str) -> None:
        if sum(character.isdigit() for character in text) <= EXACT_DIGITS:
            self._sheet.write_number(self._row, column, Decimal(text), self._money)
        else:
            self._sheet.write_string(self._row, column, text, self._money)


class StatementXlsx(BookDocument[Line]):
    """A statement: what it is, its lines, its end."""

    media_type = MEDIA_TYPE
    suffix = "xlsx"

    def __init__(self, about: Issued, path: Path) -> None:
        head, tail = about.head, about.tail
        made_at = datetime.fromisoformat(head.issued_at)
        self._book = _Book(path, "Statement", head.currency, made_at)
        self._book.widths(_WIDTHS)
        for name, value in _facts(about):
            self._book.write([name, value], frozenset())
        for name, amount in (
            ("Opening balance", head.opening),
            ("Credits", tail.credits),
            ("Debits", tail.debits),
            ("Closing balance", tail.closing),
        ):
            self._book.write([name, amount], frozenset({1}), bold=True)
        self._book.write([], frozenset())
        self._book.write(LINE_COLUMNS, frozenset(), bold=True)

    def add(self, rows: Sequence[Line]) -> None:
        """Write lines."""
        for line in rows:
            is_debit = line.amount.startswith("-")
            self._book.write(
                [
                    *(line.sequence, line.posted_at, line.value_date, line.type, line.transaction),
                    line.reference,
                    "" if is_debit else line.amount,
                    line.amount[1:] if is_debit else "",
                    *(line.balance, mark(leaf(line))),
                ],
                frozenset({6, 7, 8}),
            )

    def end(self) -> None:
        """Finish the file."""
        self._book.close()


class MovementsXlsx(BookDocument[Movement]):
    """Transactions as seen from their wallet."""

    media_type = MEDIA_TYPE
    suffix = "xlsx"

    def __init__(self, about: Range, path: Path) -> None:
        self._currency = about.currency
        made_at = about.before or datetime(2000, 1, 1)  # noqa: DTZ001 - a cell knows no zone
        self._book = _Book(path, "Transactions", about.currency, made_at)
        self._book.write(MOVEMENT_COLUMNS, frozenset(), bold=True)
        names = enumerate(MOVEMENT_COLUMNS)
        self._amounts = frozenset(place for place, name in names if name in _AMOUNTS)

    def add(self, rows: Sequence[Movement]) -> None:
        """Write transactions."""
        for one in rows:
            self._book.write(cells(one, self._currency), self._amounts)

    def end(self) -> None:
        """Finish the file."""
        self._book.close()


def _facts(about: Issued) -> list[tuple[str, str]]:
    head: Head = about.head
    facts: list[tuple[str, Any]] = [
        ("Statement", head.number),
        ("Wallet", head.wallet),
        ("Reference", about.reference or ""),
        ("Currency", head.currency),
        ("From (UTC)", head.since or "the beginning"),
        ("Before (UTC)", head.before or "all until it was issued"),
        ("Issued (UTC)", head.issued_at),
        ("Sequences", f"{head.first} to {head.last}"),
        ("Lines", about.tail.lines),
        ("SHA-256", about.sha256),
    ]
    return [(name, str(value)) for name, value in facts]
