"""CSV, by a mapping of its columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from wallets.reconciliation.files.amounts import currency_of, day_of, minor_of
from wallets.reconciliation.files.lines import (
    FileLine,
    Trouble,
    Unreadable,
    bank_reference,
    our_reference,
    tidy_text,
)
from wallets.reconciliation.mapping import CsvMapping, columns

_FIELD_MAX: Final = 10_000
_BOMS: Final = ("\N{ZERO WIDTH NO-BREAK SPACE}",)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the file with its columns by name."""

    cells: Sequence[str]
    places: dict[str, int]

    def get(self, column: str) -> str:
        """Return the text of a column; empty where none is named.

        :raises Unreadable: if the row is too short to have it.
        """
        if not column:
            return ""
        place = self.places[column]
        if place >= len(self.cells):
            raise Unreadable(f"It has {len(self.cells)} columns; {column!r} is not among them.")
        return self.cells[place].strip()


def read(content: bytes, mapping: CsvMapping, currency: str) -> Iterator[FileLine | Trouble]:
    """Read the lines in their order; each that cannot be read is told with its number.

    :param currency: of lines that name none.
    :raises Unreadable: if the file as a whole cannot be read.
    """
    rows = _rows(content, mapping)
    places = _places(rows, mapping)
    for number, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        try:
            yield _line(number, _Row(cells, places), mapping, currency)
        except Unreadable as error:
            yield Trouble(number, str(error))


def _rows(content: bytes, mapping: CsvMapping) -> Iterator[tuple[int, list[str]]]:
    try:
        text = content.decode(mapping.encoding)
    except UnicodeDecodeError as error:
        raise Unreadable(
            f"It is not written in {mapping.encoding}: byte {error.start} fits no character."
        ) from None
    file = io.StringIO(text.removeprefix(_BOMS[0]), newline="")
    skipped = 0
    while skipped < mapping.skip and file.readline():
        skipped += 1
    csv.field_size_limit(_FIELD_MAX)
    reader: Any = csv.reader(
        file, delimiter=mapping.delimiter, quotechar=mapping.quote, strict=True
    )
    while True:
        # The number under which people find the row: where it begins.
        number = skipped + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Unreadable(f"Line {number}: it is no CSV: {error}.") from None
        yield number, cells


def _places(rows: Iterator[tuple[int, list[str]]], mapping: CsvMapping) -> dict[str, int]:
    """Find the place of each column that the mapping names."""
    wanted = columns(mapping)
    if not mapping.has_headings:
        return {name: int(name) - 1 for name in wanted}
    _, headings = next(rows, (0, []))
    there = [heading.strip() for heading in headings]
    places = {}
    for name in wanted:
        if there.count(name) != 1:
            found = ", ".join(there[:30]) or "nothing"
            what = "twice" if name in there else "not there"
            raise Unreadable(f"The column {name!r} is {what}. The headings are: {found}.")
        places[name] = there.index(name)
    return places


def _line(number: int, row: _Row, mapping: CsvMapping, usual: str) -> FileLine:
    named = row.get(mapping.currency) or usual
    if not named:
        raise Unreadable("It names no currency, and the channel has none.")
    currency = currency_of(named)
    booked_on = day_of(row.get(mapping.day), mapping.date_format)
    value_text = row.get(mapping.value_day)
    return FileLine(
        number=number,
        external_reference=bank_reference(row.get(mapping.external_reference)),
        amount=_amount(row, mapping, currency),
        currency=currency,
        booked_on=booked_on,
        value_date=day_of(value_text, mapping.date_format) if value_text else booked_on,
        reference=our_reference(row.get(mapping.reference)),
        text=tidy_text(row.get(mapping.text)),
    )


def _amount(row: _Row, mapping: CsvMapping, currency: str) -> int:
    def minor(text: str) -> int:
        return minor_of(text, currency, decimal=mapping.decimal, thousands=mapping.thousands)

    if mapping.amount:
        amount = minor(row.get(mapping.amount))
        if not mapping.sign:
            return _not_zero(amount)
        words = {word.upper() for word in mapping.debit_words}
        is_debit = row.get(mapping.sign).upper() in words
        return _not_zero(-amount if is_debit else amount)
    debit, credit = row.get(mapping.debit), row.get(mapping.credit)
    left, came = minor(debit) if debit else 0, minor(credit) if credit else 0
    if left and came:
        raise Unreadable("It has both a debit and a credit.")
    # Some write what left with a sign, some without.
    return _not_zero(came - abs(left))


def _not_zero(amount: int) -> int:
    if not amount:
        raise Unreadable("Its amount is zero.")
    return amount
