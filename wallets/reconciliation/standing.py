"""What of a difference stands on suspense, for the one item of it there."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from ledger import queries as books
from wallets import client_names
from wallets.chart import DIFFERENCES, House, house_code
from wallets.reconciliation.errors import ItemsUnfit
from wallets.reconciliation.models import SUSPENSE, Item


@dataclass(frozen=True, slots=True)
class Standing:
    """A difference on suspense; minor units, credit positive."""

    entry: UUID
    rail: str
    """The channel whose difference it is."""
    amount: int
    left: int
    """What was not cleared of it yet, above zero whichever side it stands on; zero: nothing."""


def standing_of(item: Item) -> Standing:
    """Tell what is left of the difference that an item is about.

    :raises ItemsUnfit: if it is about none, but about something that clears one, or is not on
        suspense.
    """
    found = books.entries_by_id([item.entry]) if item.entry and item.channel == SUSPENSE else {}
    entry = next(iter(found.values()), None)
    if entry is None or entry.kind not in DIFFERENCES:
        raise ItemsUnfit("Only a difference that was posted to suspense is cleared like this.")
    name = client_names.by_number([item.client])[item.client]
    account = books.account_id(house_code(name, House.SUSPENSE, item.currency))
    posted = 0 if account is None else books.corrected_on(account, [entry.id]).get(entry.id, 0)
    sign = 1 if item.amount > 0 else -1
    left = max(sign * (item.amount + posted), 0)
    return Standing(entry.id, entry.channel, item.amount, left)


def is_difference(item: Item) -> bool:
    """Tell whether an item is about a difference that can be cleared."""
    try:
        standing_of(item)
    except ItemsUnfit:
        return False
    return True
