"""Where the columns of a CSV file are and how they are written: saved by client and channel."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from wallets.reconciliation.errors import SetupInvalid

ENCODINGS: Final = ("utf-8", "utf-16", "iso-8859-1", "iso-8859-15", "windows-1252", "cp437")
_DELIMITERS: Final = (",", ";", "\t", "|")
_COLUMN_MAX: Final = 100


class CsvMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column is named by its heading, or by its number from 1 where there is no heading."""

    day: str = "date"
    """The booking day."""
    value_day: str = ""
    """Empty: the booking day is the value date."""
    amount: str = "amount"
    """Empty: there are two columns, `debit` and `credit`."""
    debit: str = ""
    """What left; a sign is not needed."""
    credit: str = ""
    """What came in."""
    sign: str = ""
    """A column that says of the amount whether money left."""
    debit_words: tuple[str, ...] = ("D", "DR", "DBIT", "DEBIT", "-", "S")
    """What the sign's column says of money that left; case does not matter."""
    currency: str = ""
    """Empty: all lines are in the channel's currency."""
    external_reference: str = ""
    """Empty: it is made of what the line says."""
    reference: str = ""
    text: str = ""
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    skip: int = 0
    """Lines above the headings, or above the first line."""
    has_headings: bool = True
    date_format: str = "%Y-%m-%d"
    """As `strptime` has it: `%d.%m.%Y`."""
    decimal: str = "."
    thousands: str = ""


def read_mapping(stored: Mapping[str, Any]) -> CsvMapping:
    """Read a mapping as it is stored, and check that a file can be read by it.

    :raises SetupInvalid: if it cannot.
    """
    try:
        found = msgspec.convert(dict(stored), CsvMapping)
    except msgspec.ValidationError as error:
        raise SetupInvalid(f"The mapping is not right: {error}.", field="mapping") from error
    for wrong, sentence in _faults(found):
        if wrong:
            raise SetupInvalid(sentence, field="mapping")
    return found


def stored(mapping: CsvMapping) -> dict[str, Any]:
    """Write a mapping as it is stored: all of it, so that a file's row tells how it was read."""
    plain: dict[str, Any] = msgspec.to_builtins(mapping)
    return plain


def _faults(mapping: CsvMapping) -> list[tuple[bool, str]]:
    return [
        (not mapping.day, "Name the column of the day."),
        (
            bool(mapping.amount) == bool(mapping.debit or mapping.credit),
            "Name either the column of the amount, or those of debit and credit.",
        ),
        (
            bool(mapping.debit) != bool(mapping.credit),
            "Debit and credit are named together or not at all.",
        ),
        (bool(mapping.sign) and not mapping.amount, "A sign needs the column of the amount."),
        (
            mapping.encoding not in ENCODINGS or not _is_known(mapping.encoding),
            f"The encoding is one of {', '.join(ENCODINGS)}.",
        ),
        (mapping.delimiter not in _DELIMITERS, "The delimiter is a comma, semicolon, tab or |."),
        (len(mapping.quote) != 1 or ord(mapping.quote) > 127, "The quote is one character."),
        (mapping.decimal not in (".", ","), "The decimal mark is a point or a comma."),
        (
            mapping.thousands not in ("", ".", ",", "'") or mapping.thousands == mapping.decimal,
            "The mark between thousands is a point, a comma or ', and not the decimal mark.",
        ),
        (not 0 <= mapping.skip <= 1000, "At most 1000 lines are skipped."),
        ("%" not in mapping.date_format, "The date's format is like %Y-%m-%d."),
        (
            not mapping.has_headings and not all(map(str.isdigit, columns(mapping))),
            "Without headings columns are named by their numbers.",
        ),
        (any(len(name) > _COLUMN_MAX for name in columns(mapping)), "A column's name is too long."),
    ]


def columns(mapping: CsvMapping) -> list[str]:
    """List the columns that a mapping names."""
    named = (
        *(mapping.day, mapping.value_day, mapping.amount, mapping.debit, mapping.credit),
        *(mapping.sign, mapping.currency, mapping.external_reference, mapping.reference),
        mapping.text,
    )
    return [name for name in named if name]


def _is_known(encoding: str) -> bool:
    try:
        codecs.lookup(encoding)
    except LookupError:
        return False
    return True
