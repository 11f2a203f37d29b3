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


class Party(StrEnum):
    """Who stands on the other side of the wallet that the command names."""

    EXTERNAL = "external"
    """The client's house account of the payment rail."""
    WALLET = "wallet"
    """Another wallet."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the chart."""

    wallet_sign: int
    """+1: the named wallet is credited; -1: it is debited."""
    counterparty: Party
    told_by_wallet: str
    """The event type of the named wallet's fact."""
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
}


def type_shown(kind: str, *, credit: bool) -> str:
    """Name a movement as seen from one of its wallets: `DEPOSIT`, `TRANSFER_IN` …"""
    rule = CHART[Kind(kind)]
    if rule.shown_by_counterparty is not None and credit != (rule.wallet_sign > 0):
        return rule.shown_by_counterparty
    return rule.shown_as


def external_code(client_name: str, channel: str, currency: str) -> str:
    """Name the house account through which a rail's money enters and leaves a client's books."""
    return f"{client_name}:external:{channel}:{currency}"


def wallet_code(wallet_id: object) -> str:
    """Name a wallet's account."""
    return f"wallet:{wallet_id}"


def wallets_code(currency: str) -> str:
    """Name the line of the trial balance that sums all wallets of a currency."""
    return f"wallets:{currency}"
