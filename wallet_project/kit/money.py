"""Amounts of money as integers of a currency's minor unit. No float comes near this module.

Scales are those of ISO 4217 (JPY 0, USD 2, KWD 3), read from the `iso4217` package's data.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from iso4217 import Currency as _IsoCurrency

from wallet_project.kit.errors import Invalid

LARGEST_MINOR: Final = 2**63 - 1
"""What a BIGINT column holds; a larger amount or balance is refused, never wrapped."""

_AMOUNT = re.compile(r"(0|[1-9][0-9]*)(?:\.([0-9]+))?", re.ASCII)
_NEGATIVE = re.compile(r"-(0|[1-9][0-9]*)(?:\.([0-9]+))?", re.ASCII)
_LONGEST_AMOUNT: Final = 40


class MalformedAmount(Invalid):
    """The text is not a decimal amount."""

    code = "malformed_amount"
    title = "The amount is not a decimal number"


class TooManyDecimals(Invalid):
    """The amount is finer than the currency's smallest unit."""

    code = "too_many_decimals"
    title = "The amount has more decimals than the currency"


class AmountNotPositive(Invalid):
    """Zero and negative amounts move no money."""

    code = "amount_not_positive"
    title = "The amount is not above zero"


class AmountTooLarge(Invalid):
    """The amount does not fit the books."""

    code = "amount_too_large"
    title = "The amount is too large"


class UnknownCurrency(Invalid):
    """The code is not an ISO 4217 currency with a minor unit."""

    code = "unknown_currency"
    title = "The currency is unknown"


@cache
def exponent_of(currency: str) -> int:
    """Return how many decimals a currency has.

    :raises UnknownCurrency: for anything but an active ISO 4217 code that has a minor unit.
    """
    try:
        exponent = _IsoCurrency(currency).exponent
    except ValueError:
        exponent = None
    if exponent is None:
        raise UnknownCurrency(
            "The currency must be an ISO 4217 code with a minor unit, such as USD, JPY or KWD.",
            field="currency",
        )
    return int(exponent)


@cache
def currencies() -> tuple[str, ...]:
    """List every currency code that a wallet can have."""
    return tuple(sorted(c.code for c in _IsoCurrency if c.exponent is not None))


def parse_amount(text: str, currency: str, *, field: str = "amount") -> int:
    """Read a positive decimal amount, exactly as written, into minor units of the currency.

    `10` and `10.0` are fine in USD; `10.000` is not, trailing zeros included.

    :raises MalformedAmount: for signs, exponents, blanks, separators, digits of other scripts.
    :raises TooManyDecimals, AmountNotPositive, AmountTooLarge: as they say.
    """
    if len(text) > _LONGEST_AMOUNT:
        raise AmountTooLarge(f"The amount has more than {_LONGEST_AMOUNT} characters.", field=field)
    found = _AMOUNT.fullmatch(text)
    if found is None:
        if _NEGATIVE.fullmatch(text):
            raise AmountNotPositive("The amount must be above zero.", field=field)
        raise MalformedAmount(
            "The amount must be a decimal such as 12.34: ASCII digits with at most one point, "
            "without sign, exponent, blanks or separators.",
            field=field,
        )
    whole, fraction = found.group(1), found.group(2) or ""
    exponent = exponent_of(currency)
    if len(fraction) > exponent:
        raise TooManyDecimals(
            f"{currency} has {exponent} decimals, the amount has {len(fraction)}.", field=field
        )
    minor = int(whole + fraction.ljust(exponent, "0"))
    if minor == 0:
        raise AmountNotPositive("The amount must be above zero.", field=field)
    if minor > LARGEST_MINOR:
        raise AmountTooLarge(
            f"The amount is larger than {format_minor(LARGEST_MINOR, currency)}.", field=field
        )
    return minor


def format_shortest(minor: int, currency: str) -> str:
    """Write minor units as the shortest exact decimal: `100`, `99.5`, `0.07`."""
    text = format_minor(minor, currency)
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_minor(minor: int, currency: str) -> str:
    """Write minor units as a decimal string with all of the currency's decimals."""
    exponent = exponent_of(currency)
    if exponent == 0:
        return str(minor)
    sign = "-" if minor < 0 else ""
    digits = str(abs(minor)).rjust(exponent + 1, "0")
    return f"{sign}{digits[:-exponent]}.{digits[-exponent:]}"
