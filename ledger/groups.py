"""House accounts by what they are for, as their codes tell.

To the books a code is opaque; it is read here for the eyes of people only. What fits no form
stands under "Other".
"""

from __future__ import annotations

from typing import Final

CUSTOMERS: Final = "Wallets"
"""All accounts of a client's customers, in one line."""

EXTERNAL: Final = "External"
"""Payment rails: money enters and leaves the books by them."""
PAYOUTS: Final = "Payouts"
"""Money in transit."""
FEES: Final = "Fees"
SUSPENSE: Final = "Suspense"
RECEIVABLES: Final = "Receivables"

_BY_CHANNEL: Final = {"external": EXTERNAL, "payouts": PAYOUTS}
_ALONE: Final = {"fees": FEES, "suspense": SUSPENSE, "receivables": RECEIVABLES}
_OTHER: Final = "Other"
_ORDER: Final = (CUSTOMERS, *_BY_CHANNEL.values(), *_ALONE.values(), _OTHER)


def group_of(code: str | None) -> tuple[str, str]:
    """Return the group of a house account and its name within: `("External", "bank")`.

    Codes are `<client>:external:<channel>:USD`, `<client>:fees:USD`. None stands for customers.
    """
    if code is None:
        return CUSTOMERS, "all customers"
    parts = code.split(":")
    if len(parts) == 4 and parts[1] in _BY_CHANNEL:
        return _BY_CHANNEL[parts[1]], parts[2]
    if len(parts) == 3 and parts[1] in _ALONE:
        return _ALONE[parts[1]], parts[1]
    return _OTHER, code


def place_of(group: str) -> int:
    """Return where a group stands in lists."""
    return _ORDER.index(group)
