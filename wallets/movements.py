"""What a movement was, told from its immutable rows: the same words now and at every repeat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from ledger.queries import PostedEntry, PostedLine
from wallets.chart import CHART, Kind, Party


@dataclass(frozen=True, slots=True)
class MovementRecord:
    """A movement as seen from the wallet that its command named. Amounts in minor units."""

    transaction_id: UUID
    kind: Kind
    wallet_id: UUID
    destination_wallet_id: UUID | None
    amount: int
    currency: str
    balance: int
    """Of the named wallet, after the movement."""
    version: int
    """Of the named wallet, after the movement."""
    reference: str
    channel: str
    description: str | None
    metadata: Mapping[str, Any] | None
    value_date: date
    created_at: datetime
    hold_id: UUID | None = None
    """The hold that was captured; the entry does not name it, the request does."""
    reverses: UUID | None = None
    """The entry that was taken back."""


def record_of(entry: PostedEntry, currency: str) -> MovementRecord:
    """Tell a movement again from its entry."""
    kind = Kind(entry.kind)
    named, other = named_and_other(entry)
    return MovementRecord(
        transaction_id=entry.id,
        kind=kind,
        wallet_id=named.account,
        destination_wallet_id=other.account if CHART[kind].counterparty is Party.WALLET else None,
        amount=abs(named.amount),
        currency=currency,
        balance=named.balance_after or 0,
        version=named.version or 0,
        reference=entry.reference,
        channel=entry.channel,
        description=entry.description,
        metadata=entry.metadata,
        value_date=entry.value_date,
        created_at=entry.posted_at,
        reverses=entry.reverses,
    )


def named_and_other(entry: PostedEntry) -> tuple[PostedLine, PostedLine]:
    """Split an entry into the line of the wallet its command named and the other line."""
    rule = CHART[Kind(entry.kind)]
    first, second = entry.lines
    if first.amount * rule.wallet_sign > 0:
        return first, second
    return second, first
