"""The one door to the readers: reads a file whole, and proves that it adds up."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from wallet_project.kit.admin import money
from wallets.reconciliation.files import camt053, csv_file, mt940_file
from wallets.reconciliation.files.lines import (
    Contents,
    FileLine,
    StatedBalance,
    Trouble,
    Unreadable,
)
from wallets.reconciliation.mapping import CsvMapping
from wallets.reconciliation.models import Format

LINES_MAX: Final = 200_000
TROUBLES_MAX: Final = 100
"""More would be read by nobody."""


def read(content: bytes, format: str, *, mapping: CsvMapping, currency: str = "") -> Contents:
    """Read a file. What is wrong with it stands in `troubles`; only without any may it be loaded.

    Lines without a reference of the bank's own get one made of what they say: two files that
    overlap then name the same line alike, as long as both have the whole day.
    """
    found = Contents()
    try:
        for said in _said(content, format, mapping, currency):
            if isinstance(said, FileLine):
                found.lines.append(said)
            elif isinstance(said, StatedBalance):
                found.balances.append(said)
            else:
                found.troubles.append(said)
            if len(found.lines) > LINES_MAX or len(found.troubles) >= TROUBLES_MAX:
                raise Unreadable(_too_many(found))
    except Unreadable as error:
        found.troubles.append(Trouble(0, str(error)))
    if not found.lines and not found.troubles:
        found.troubles.append(Trouble(0, "It has no line."))
    if not found.troubles:
        found.troubles += _does_not_add_up(found)
    found.lines = _named(found.lines)
    return found


def _said(
    content: bytes, format: str, mapping: CsvMapping, currency: str
) -> Iterator[FileLine | Trouble | StatedBalance]:
    if format == Format.CAMT053:
        return camt053.read(content)
    if format == Format.MT940:
        return mt940_file.read(content)
    return csv_file.read(content, mapping, currency)


def _too_many(found: Contents) -> str:
    if len(found.lines) > LINES_MAX:
        return f"It has more than {LINES_MAX} lines; load it in parts."
    return f"More than {TROUBLES_MAX} lines cannot be read; the others are not listed."


def _does_not_add_up(found: Contents) -> list[Trouble]:
    """Compare opening and lines with closing, by currency; statements follow each other."""
    stated: dict[str, int] = defaultdict(int)
    for one in found.balances:
        stated[one.currency] += one.closing - one.opening
    moved: Counter[str] = Counter()
    for line in found.lines:
        moved[line.currency] += line.amount
    return [
        Trouble(
            0,
            f"It does not add up: from opening to closing balance it is {money(change, code)}, "
            f"the lines sum to {money(moved[code], code)}.",
        )
        for code, change in stated.items()
        if moved[code] != change
    ]


def _named(lines: list[FileLine]) -> list[FileLine]:
    seen: Counter[bytes] = Counter()
    named = []
    for line in lines:
        if not line.external_reference:
            digest = line.digest()
            seen[digest] += 1
            made = hashlib.sha256(digest + str(seen[digest]).encode()).hexdigest()
            named.append(replace(line, external_reference=f"made:{made}"))
        else:
            named.append(line)
    return named
