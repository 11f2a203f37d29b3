"""What a file says, whatever its format."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date
from typing import Final

REFERENCE_MAX: Final = 128
"""Characters of a bank's own reference; a longer one is kept as its digest."""
TEXT_MAX: Final = 500
_OUR_REFERENCE_MAX: Final = 255
_NO_REFERENCE: Final = frozenset({"", "NONREF", "NOTPROVIDED"})
"""What banks write where there is none."""


@dataclass(frozen=True, slots=True)
class FileLine:
    """A line of a file; minor units, above zero where money came in."""

    number: int
    """Which line of the file it is on, from 1; of XML and MT940: which entry."""
    external_reference: str
    """The bank's own; empty where it has none."""
    amount: int
    currency: str
    booked_on: date
    value_date: date
    reference: str
    text: str

    def said(self) -> tuple[str, ...]:
        """List what the line says, apart from the bank's reference."""
        return (
            str(self.amount),
            self.currency,
            self.booked_on.isoformat(),
            self.value_date.isoformat(),
            self.reference,
            self.text,
        )

    def digest(self) -> bytes:
        """Digest what the line says: a line that comes again has to say the same."""
        return hashlib.sha256("\x1f".join(self.said()).encode()).digest()


@dataclass(frozen=True, slots=True)
class Trouble:
    """A line that cannot be read."""

    number: int
    """From 1; 0: the file as a whole."""
    detail: str

    def __str__(self) -> str:
        return f"Line {self.number}: {self.detail}" if self.number else self.detail


@dataclass(frozen=True, slots=True)
class StatedBalance:
    """The balances that a file names for one currency; minor units."""

    currency: str
    opening: int
    closing: int


@dataclass(slots=True)
class Contents:
    """Everything a file says."""

    lines: list[FileLine] = field(default_factory=list)
    balances: list[StatedBalance] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)


class Unreadable(Exception):
    """A line, or the file, does not say what one of its format says."""


def our_reference(text: str | None) -> str:
    """Tidy a reference that people have typed; empty where the bank says there is none."""
    tidy = " ".join((text or "").split())[:_OUR_REFERENCE_MAX]
    return "" if tidy.upper() in _NO_REFERENCE else tidy


def bank_reference(text: str | None) -> str:
    """Tidy the bank's own reference; a long one is kept as its digest."""
    tidy = (text or "").strip()
    if tidy.upper() in _NO_REFERENCE:
        return ""
    if len(tidy) > REFERENCE_MAX:
        return f"sha256:{hashlib.sha256(tidy.encode()).hexdigest()}"
    return tidy


def tidy_text(text: str | None) -> str:
    """Put what a line says in words on one line, cut to what is kept."""
    return " ".join((text or "").split())[:TEXT_MAX]
