"""Reads of the business.

Each says what it needs of the replica, and goes to the primary where that is not given
(`kit.replica`). See `docs/architecture.md`, "Reads".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ledger import queries as books
from ledger.queries import PostedEntry
from wallet_project.kit import replica
from wallet_project.kit.replica import Source
from wallets import balance_cache
from wallets.balances import BalanceView as BalanceView
from wallets.balances import PastBalanceView as PastBalanceView
from wallets.balances import balance as balance
from wallets.balances import balance_at as balance_at
from wallets.chart import ADJUSTMENTS, type_shown
from wallets.identity import WalletIdentity
from wallets.models import Wallet
from wallets.sources import primary_clock as primary_clock
from wallets.sources import row_of, settled


@dataclass(frozen=True, slots=True)
class WalletView:
    """A wallet as it is now; amounts in minor units."""

    id: UUID
    client: int
    user_id: str | None
    reference: str | None
    currency: str
    status: str
    balance: int
    held: int
    available: int
    version: int
    metadata: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime
    stale_as_of: datetime | None = None
    """Since when the primary may have moved on, while only the replica can answer."""
    next_hold_expiry: datetime | None = None
    """No active hold expires before this moment."""


@dataclass(frozen=True, slots=True)
class HistoryItem:
    """A movement as seen from one of its wallets; amounts in minor units."""

    transaction_id: UUID
    type: str
    amount: int
    is_credit: bool
    balance: int
    posting_sequence: int
    counterparty_wallet_id: UUID | None
    currency: str
    reference: str
    description: str | None
    metadata: Mapping[str, Any] | None
    value_date: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OldestFirst:
    """A page of a wallet's history in the order in which it happened."""

    created_at: datetime | None
    """When the wallet was made, on the page that begins with that."""
    items: tuple[HistoryItem, ...]


@dataclass(frozen=True, slots=True)
class TransactionLine:
    """One posting of a transaction; either a wallet's or a house account's."""

    wallet_id: UUID | None
    account: str | None
    is_credit: bool
    amount: int
    balance: int | None
    posting_sequence: int | None


@dataclass(frozen=True, slots=True)
class TransactionView:
    """A journal entry with all its postings; amounts in minor units."""

    transaction_id: UUID
    type: str
    amount: int
    currency: str
    reference: str
    description: str | None
    metadata: Mapping[str, Any] | None
    channel: str
    value_date: str
    created_at: datetime
    reverses: UUID | None
    corrects: UUID | None
    lines: tuple[TransactionLine, ...]


@dataclass(frozen=True, slots=True)
class WalletsPage:
    """Some of a client's wallets, newest first."""

    items: Sequence[WalletView]
    stale_as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some of a wallet's movements, newest first."""

    items: Sequence[HistoryItem]
    stale_as_of: datetime | None = None


def wallet(identity: WalletIdentity, *, min_version: int | None = None) -> WalletView:
    """Read a wallet.

    :raises VersionNotReached: if it is not at `min_version` on the primary either.
    """
    seen = balance_cache.version_of(identity.id)

    def ask(source: Source) -> WalletView:
        row, moment = row_of(source, identity, min_version, seen)
        return view_of(row, stale_as_of=moment if source.is_last_resort else None)

    return replica.read(ask)


def wallets_page(
    client: int, *, user_id: str | None, before: UUID | None, limit: int
) -> WalletsPage:
    """List a client's wallets, newest first, below an id."""

    opened_at = balance_cache.last_opened_at(client)

    def ask(source: Source) -> WalletsPage:
        moment = source.heartbeat()
        source.need(source.is_fresh(moment))
        source.need(source.is_last_resort or opened_at is None or moment >= opened_at)
        found = Wallet.objects.using(source.using).filter(client_id=client)
        if user_id is not None:
            found = found.filter(user_id=user_id)
        if before is not None:
            found = found.filter(pk__lt=before)
        return WalletsPage(
            [view_of(row) for row in settled(source, found.order_by("-id")[:limit])],
            stale_as_of=moment if source.is_last_resort else None,
        )

    return replica.read(ask)


def history(
    identity: WalletIdentity,
    *,
    before_sequence: int | None,
    limit: int,
    min_version: int | None = None,
) -> HistoryPage:
    """List a wallet's movements, newest first, below a posting sequence.

    :raises VersionNotReached: if the wallet is not at `min_version` on the primary either.
    """
    seen = balance_cache.version_of(identity.id)

    def ask(source: Source) -> HistoryPage:
        row, moment = row_of(source, identity, min_version, seen)
        # What the wallet's row counts is all there, whatever commits between these statements.
        top = min(before_sequence or row.posting_sequence + 1, row.posting_sequence + 1)
        page = books.page_of_account(
            identity.id, before_sequence=top, limit=limit, using=source.using
        )
        expected = range(top - 1, max(top - 1 - limit, 0), -1)
        return HistoryPage(
            _items(source, identity, page, expected),
            stale_as_of=moment if source.is_last_resort else None,
        )

    return replica.read(ask)


def history_oldest_first(
    identity: WalletIdentity, *, offset: int, limit: int, min_version: int | None = None
) -> OldestFirst:
    """List what happened to a wallet, from its creation on, after so many items.

    Posting sequences have no gaps, so an offset is a look-up and costs nothing.
    """
    seen = balance_cache.version_of(identity.id)

    def ask(source: Source) -> OldestFirst:
        row, _ = row_of(source, identity, min_version, seen)
        first = max(offset, 1)
        there = max(min(limit - (offset == 0), row.posting_sequence - first + 1), 0)
        page = books.postings_from(identity.id, sequence=first, limit=there, using=source.using)
        items = _items(source, identity, page, range(first, first + there))
        return OldestFirst(row.created_at if offset == 0 else None, items)

    return replica.read(ask)


def transaction(client: int, transaction_id: UUID) -> TransactionView | None:
    """Read a transaction of a client with its postings, or None when the client has none such."""
    return replica.read(lambda source: _transaction(source, client, transaction_id))


def view_of(row: Wallet, *, stale_as_of: datetime | None = None) -> WalletView:
    """Show a wallet's row. A movement is a change, so `updated_at` is the later of the two."""
    return WalletView(
        id=row.id,
        client=row.client_id,
        user_id=row.user_id,
        reference=row.reference,
        currency=row.currency,
        status=row.status,
        balance=row.balance,
        held=row.held,
        available=row.available,
        version=row.version,
        metadata=row.metadata,
        created_at=row.created_at,
        updated_at=max(row.updated_at, row.last_posted_at or row.updated_at),
        stale_as_of=stale_as_of,
        next_hold_expiry=row.next_hold_expiry,
    )


def _transaction(source: Source, client: int, transaction_id: UUID) -> TransactionView | None:
    entry = books.entries_by_id([transaction_id], using=source.using).get(transaction_id)
    # Entries never change, but for texts that were erased: those must not show for long.
    source.need(entry is not None and source.is_fresh(source.heartbeat()))
    if entry is None or entry.client != client:
        return None
    names = books.account_names((line.account for line in entry.lines), using=source.using)
    first = entry.lines[0]
    return TransactionView(
        transaction_id=entry.id,
        type=entry.kind.upper(),
        amount=abs(first.amount),
        currency=names[first.account].currency,
        reference=entry.reference,
        description=entry.description,
        metadata=entry.metadata,
        channel=entry.channel,
        value_date=entry.value_date.isoformat(),
        created_at=entry.posted_at,
        reverses=entry.reverses,
        corrects=_corrected(entry, source.using),
        lines=tuple(
            TransactionLine(
                wallet_id=line.account if line.sequence is not None else None,
                account=names[line.account].code if line.sequence is None else None,
                is_credit=line.amount > 0,
                amount=abs(line.amount),
                balance=line.balance_after,
                posting_sequence=line.sequence,
            )
            for line in entry.lines
        ),
    )


def _corrected(entry: PostedEntry, using: str) -> UUID | None:
    if entry.kind not in ADJUSTMENTS:
        return None
    return books.corrected_by(entry.id, using=using)


def _items(
    source: Source, identity: WalletIdentity, page: Sequence[tuple[int, UUID]], expected: range
) -> tuple[HistoryItem, ...]:
    source.need([sequence for sequence, _ in page] == list(expected))
    entries = books.entries_by_id([entry for _, entry in page], using=source.using)
    source.need(len(entries) == len(page))
    return tuple(_history_item(entries[entry], identity) for _, entry in page)


def _history_item(entry: PostedEntry, identity: WalletIdentity) -> HistoryItem:
    own = next(line for line in entry.lines if line.account == identity.id)
    others = [line for line in entry.lines if line.account != identity.id]
    wallets = [line.account for line in others if line.sequence is not None]
    return HistoryItem(
        transaction_id=entry.id,
        type=type_shown(entry.kind, credit=own.amount > 0),
        amount=abs(own.amount),
        is_credit=own.amount > 0,
        balance=own.balance_after or 0,
        posting_sequence=own.sequence or 0,
        counterparty_wallet_id=wallets[0] if wallets else None,
        currency=identity.currency,
        reference=entry.reference,
        description=entry.description,
        metadata=entry.metadata,
        value_date=entry.value_date.isoformat(),
        created_at=entry.posted_at,
    )
