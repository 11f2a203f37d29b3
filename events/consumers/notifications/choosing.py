"""Which kinds of notification an event is: a table and two thresholds, no database."""

from __future__ import annotations

from typing import Final

import msgspec

from events import contracts
from events.consumers.notifications.models import Contact, Kind
from events.errors import Undecodable

KINDS: Final[dict[str, Kind]] = {
    contracts.DEPOSITED: Kind.MONEY_IN,
    contracts.TRANSFER_RECEIVED: Kind.MONEY_IN,
    contracts.WITHDRAWN: Kind.MONEY_OUT,
    contracts.CAPTURED: Kind.MONEY_OUT,
    contracts.TRANSFER_SENT: Kind.MONEY_OUT,
    contracts.FROZEN: Kind.FROZEN,
    contracts.PAYOUT_DELAYED: Kind.PAYOUT_DELAYED,
    contracts.PAYOUT_REFUSED: Kind.PAYOUT_REFUSED,
}
"""What an event is by its type alone. A new type is bound to its kind here."""


class Told(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What notifications read of an event, whatever else it says."""

    currency: str
    occurred_at: str
    amount: str | None = None
    balance: str | None = None
    next_attempt_at: str | None = None


_decoder = msgspec.json.Decoder(Told)


def read(value: bytes) -> Told:
    """Read an event's value.

    :raises Undecodable: if it has no currency and time.
    """
    try:
        return _decoder.decode(value)
    except msgspec.MsgspecError as error:
        raise Undecodable(f"The value says too little to tell anybody: {error}") from error


def kinds_of(type_: str, told: Told, contact: Contact) -> list[Kind]:
    """Tell of what the holder is to be told; a large withdrawal stands in for money out."""
    kind = KINDS[type_]
    found = [kind]
    if kind is Kind.MONEY_OUT and told.amount is not None and told.balance is not None:
        amount, balance = _minor(told.amount), _minor(told.balance)
        if type_ != contracts.TRANSFER_SENT and _reaches(amount, contact.large_withdrawal):
            if Kind.LARGE_WITHDRAWAL in contact.kinds:
                found = []
            found.append(Kind.LARGE_WITHDRAWAL)
        low = contact.low_balance
        # Once, when the balance falls through the threshold; not again while it is below.
        if low is not None and balance < low <= balance + amount:
            found.append(Kind.LOW_BALANCE)
    return [one for one in found if one in contact.kinds]


def _reaches(amount: int, threshold: int | None) -> bool:
    return threshold is not None and amount >= threshold


def _minor(text: str) -> int:
    return int(text.replace(".", ""))  # events always have all of the currency's decimals
