"""Amounts as files write them, into minor units; exactly, or not at all."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from wallet_project.kit.money import LARGEST_MINOR, UnknownCurrency, exponent_of
from wallets.reconciliation.files.lines import Unreadable

_DIGITS: Final = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]+))?([+-]?)", re.ASCII)
_LONGEST: Final = 40
_BLANKS: Final = str.maketrans("", "", " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}")


def currency_of(text: str) -> str:
    """Check a currency code.

    :raises Unreadable: for anything but an ISO 4217 code with a minor unit.
    """
    code = text.strip().upper()
    try:
        exponent_of(code)
    except UnknownCurrency:
        raise Unreadable(f"{text.strip()!r} is no currency.") from None
    return code


def minor_of(text: str, currency: str, *, decimal: str = ".", thousands: str = "") -> int:
    """Read an amount with an optional sign, before or behind the digits.

    Zeros beyond the currency's decimals are dropped: providers write `10.0000`.

    :raises Unreadable: if it is no amount, too fine for the currency, or does not fit the books.
    """
    if len(text) > _LONGEST:
        raise Unreadable(f"The amount has more than {_LONGEST} characters.")
    plain = text.translate(_BLANKS)
    if thousands:
        plain = _without_thousands(plain, thousands, decimal)
    if decimal != ".":
        if "." in plain:
            raise Unreadable(f"{text.strip()!r} has a point where a decimal {decimal!r} is used.")
        plain = plain.replace(decimal, ".")
    found = _DIGITS.fullmatch(plain.removesuffix("."))
    if found is None or (found[1] and found[4]):
        raise Unreadable(f"{text.strip()!r} is no amount.")
    exponent = exponent_of(currency)
    fraction = (found[3] or "").rstrip("0")
    if len(fraction) > exponent:
        raise Unreadable(f"{text.strip()!r} has more decimals than {currency}.")
    minor = int(found[2] + fraction.ljust(exponent, "0"))
    if minor > LARGEST_MINOR:
        raise Unreadable(f"{text.strip()!r} is too large.")
    return -minor if "-" in (found[1], found[4]) else minor


def minor_of_decimal(amount: Decimal, currency: str) -> int:
    """Turn a decimal into minor units.

    :raises Unreadable: as `minor_of`.
    """
    return minor_of(format(amount, "f"), currency)


def day_of(text: str, pattern: str) -> date:
    """Read a day by a pattern of `strptime`.

    :raises Unreadable: if it is none.
    """
    try:
        return datetime.strptime(text.strip(), pattern).replace(tzinfo=UTC).date()
    except ValueError:
        raise Unreadable(f"{text.strip()!r} is no day written as {pattern}.") from None


def _without_thousands(text: str, mark: str, decimal: str) -> str:
    """Take the marks between thousands out, where they stand between thousands."""
    whole, point, rest = text.partition(decimal)
    first, *groups = whole.split(mark)
    if mark in rest or any(len(group.rstrip("+-")) != 3 for group in groups):
        raise Unreadable(f"{text!r} has {mark!r} where no thousands end.")
    if groups and not 1 <= len(first.lstrip("+-")) <= 3:
        raise Unreadable(f"{text!r} has {mark!r} where no thousands end.")
    return f"{first}{''.join(groups)}{point}{rest}"
