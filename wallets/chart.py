"""What may happen to money: for each kind of movement, whose account gives and whose takes.

A pair that is not declared here cannot be posted.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from events import contracts


class Kind(StrEnum):
    """Kinds of movement, as the journal spells them."""

    DEPOSIT = "deposit"
    """Money comes in from outside by a payment rail."""
    WITHDRAWAL = "withdrawal"
    """Money leaves to the outside by a payment rail."""
    TRANSFER = "transfer"
    """Money moves between two wallets of one client."""
    HOLD = "hold"
    """Money is set aside. It stays in the wallet, so the books say nothing of it."""
    CAPTURE = "capture"
    """Money that was set aside leaves to the outside by a payment rail."""
    VOID = "void"
    """Money that was set aside is available again; the books say nothing of it."""
    DEPOSIT_REVERSAL = "deposit_reversal"
    """A deposit is taken back, all of it or a part: the money leaves by the rail it came in by."""
    WITHDRAWAL_REVERSAL = "withdrawal_reversal"
    """A withdrawal is taken back: the money returns by the rail it left by."""
    CAPTURE_REVERSAL = "capture_reversal"
    """A capture is taken back, such as a payout that bounced; the hold stays captured."""
    TRANSFER_REVERSAL = "transfer_reversal"
    """A transfer is taken back: from its destination to its source, which is the named wallet."""
    TO_SUSPENSE = "to_suspense"
    """A rail has more than the books say: the difference waits on suspense, as a credit."""
    FROM_SUSPENSE = "from_suspense"
    """A rail has less than the books say: the difference waits on suspense, as a debit."""
    CLEARING_CREDIT = "clearing_credit"
    """What waits on suspense as a debit leaves it for the fees or for the rail it came from."""
    CLEARING_DEBIT = "clearing_debit"
    """What waits on suspense as a credit leaves it in the same way."""

    ADJUSTMENT_CREDIT = "adjustment_credit"
    """A correction by hand: money comes into the wallet from a house account."""
    ADJUSTMENT_DEBIT = "adjustment_debit"
    """A correction by hand: money leaves the wallet for a house account."""
    SHORTFALL = "shortfall"
    """What a reversal takes back and the wallet has not any more: the client owes it from now on,
    and the wallet gets it, so that the reversal can take it."""


class Party(StrEnum):
    """Who stands on the other side of the wallet that the command names."""

    EXTERNAL = "external"
    """The client's house account of the payment rail."""
    HOUSE = "house"
    """Another of the client's house accounts, which staff choose."""
    WALLET = "wallet"
    """Another wallet."""
    HOUSES = "houses"
    """A house account, such as the rail's, and what the command names is one, too: no customer's
    money moves, so there is nothing to lock and nobody to tell."""
    NOBODY = "nobody"
    """No money moves."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the chart."""

    wallet_sign: int
    """+1: the named wallet is credited; -1: it is debited; 0: neither."""
    counterparty: Party
    told_by_wallet: str
    """The event type of the named wallet's fact; empty where a house account is named."""
    told_by_counterparty: str | None
    """The event type of the other wallet's fact; a house account tells nothing."""
    shown_as: str
    """The movement's type as callers see it."""
    shown_by_counterparty: str | None = None


CHART: Final[dict[Kind, Rule]] = {
    Kind.DEPOSIT: Rule(+1, Party.EXTERNAL, contracts.DEPOSITED, None, "DEPOSIT"),
    Kind.WITHDRAWAL: Rule(-1, Party.EXTERNAL, contracts.WITHDRAWN, None, "WITHDRAWAL"),
    Kind.TRANSFER: Rule(
        -1,
        Party.WALLET,
        contracts.TRANSFER_SENT,
        contracts.TRANSFER_RECEIVED,
        "TRANSFER_OUT",
        "TRANSFER_IN",
    ),
    Kind.HOLD: Rule(0, Party.NOBODY, contracts.HELD, None, "HOLD"),
    Kind.CAPTURE: Rule(-1, Party.EXTERNAL, contracts.CAPTURED, None, "CAPTURE"),
    Kind.VOID: Rule(0, Party.NOBODY, contracts.RELEASED, None, "VOID"),
    Kind.DEPOSIT_REVERSAL: Rule(-1, Party.EXTERNAL, contracts.REVERSED, None, "DEPOSIT_REVERSAL"),
    Kind.WITHDRAWAL_REVERSAL: Rule(
        +1, Party.EXTERNAL, contracts.REVERSED, None, "WITHDRAWAL_REVERSAL"
    ),
    Kind.CAPTURE_REVERSAL: Rule(+1, Party.EXTERNAL, contracts.REVERSED, None, "CAPTURE_REVERSAL"),
    Kind.TRANSFER_REVERSAL: Rule(
        +1, Party.WALLET, contracts.REVERSED, contracts.REVERSED, "TRANSFER_REVERSAL"
    ),
    Kind.TO_SUSPENSE: Rule(+1, Party.HOUSES, "", None, "TO_SUSPENSE"),
    Kind.FROM_SUSPENSE: Rule(-1, Party.HOUSES, "", None, "FROM_SUSPENSE"),
    Kind.CLEARING_CREDIT: Rule(+1, Party.HOUSES, "", None, "CLEARING_CREDIT"),
    Kind.CLEARING_DEBIT: Rule(-1, Party.HOUSES, "", None, "CLEARING_DEBIT"),
    Kind.ADJUSTMENT_CREDIT: Rule(+1, Party.HOUSE, contracts.ADJUSTED, None, "ADJUSTMENT_CREDIT"),
    Kind.ADJUSTMENT_DEBIT: Rule(-1, Party.HOUSE, contracts.ADJUSTED, None, "ADJUSTMENT_DEBIT"),
    Kind.SHORTFALL: Rule(+1, Party.HOUSE, contracts.ADJUSTED, None, "SHORTFALL"),
}

REVERSED_BY: Final = {
    Kind.DEPOSIT: Kind.DEPOSIT_REVERSAL,
    Kind.WITHDRAWAL: Kind.WITHDRAWAL_REVERSAL,
    Kind.CAPTURE: Kind.CAPTURE_REVERSAL,
    Kind.TRANSFER: Kind.TRANSFER_REVERSAL,
}
"""What can be taken back, and by what. A reversal cannot: post the movement again."""

ADJUSTMENTS: Final = (Kind.ADJUSTMENT_CREDIT, Kind.ADJUSTMENT_DEBIT)
"""Corrections by hand; they may name the entry that they put right."""

DIFFERENCES: Final = (Kind.TO_SUSPENSE, Kind.FROM_SUSPENSE)
"""What stands on suspense until it is cleared."""

OPERATION_TYPES: Final = {
    Kind.DEPOSIT: "DEPOSIT",
    Kind.WITHDRAWAL: "WITHDRAW",
    Kind.TRANSFER: "TRANSFER",
}
"""What callers may ask for now and have made later, in their words."""


def type_shown(kind: str, *, credit: bool) -> str:
    """Name a movement as seen from one of its wallets: `DEPOSIT`, `TRANSFER_IN` …"""
    rule = CHART[Kind(kind)]
    if rule.shown_by_counterparty is not None and credit != (rule.wallet_sign > 0):
        return rule.shown_by_counterparty
    return rule.shown_as


def external_code(client_name: str, channel: str, currency: str) -> str:
    """Name the house account through which a rail's money enters and leaves a client's books."""
    return f"{client_name}:external:{channel}:{currency}"


class House(StrEnum):
    """The client's house accounts besides those of its rails."""

    SUSPENSE = "suspense"
    """What nobody can place yet."""
    FEES = "fees"
    """What the client has earned, or gives back."""
    RECEIVABLES = "receivables"
    """What the client has to get from others, such as money that was spent and then taken back."""


def house_code(client_name: str, house: House, currency: str) -> str:
    """Name one of a client's own accounts."""
    return f"{client_name}:{house}:{currency}"


def wallet_code(wallet_id: object) -> str:
    """Name a wallet's account."""
    return f"wallet:{wallet_id}"


def wallets_code(currency: str) -> str:
    """Name the line of the trial balance that sums all wallets of a currency."""
    return f"wallets:{currency}"
