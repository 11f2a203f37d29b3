"""Reads of the business. Reads go to the primary for now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connections

from ledger import queries as books
from ledger.queries import PostedEntry
from wallet_project.kit import clock
from wallet_project.kit.database import PRIMARY, snapshot
from wallets import errors
from wallets.chart import type_shown, wallets_code
from wallets.identity import WalletIdentity
from wallets.models import Wallet

SETTLED_AFTER: Final = timedelta(seconds=60)
"""No transaction lives this long, so nothing can be posted before a moment this far past."""


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


@dataclass(frozen=True, slots=True)
class BalanceView:
    """A wallet's money now; amounts in minor units."""

    wallet_id: UUID
    currency: str
    balance: int
    held: int
    available: int
    version: int
    as_of: datetime
    stale: bool


@dataclass(frozen=True, slots=True)
class PastBalanceView:
    """A wallet's balance at some moment, in minor units."""

    wallet_id: UUID
    currency: str
    balance: int
    posting_sequence: int
    transaction_id: UUID | None
    as_of: datetime
    final: bool
    """Whether nothing can be posted at or before that moment any more."""


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
    lines: tuple[TransactionLine, ...]


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """A line of the trial balance; minor units, credit positive."""

    code: str
    currency: str
    balance: int


@dataclass(slots=True)
class CurrencyTotals:
    """Both sides of the trial balance in one currency; minor units."""

    currency: str
    debit: int = 0
    credit: int = 0


@dataclass(frozen=True, slots=True)
class TrialBalanceView:
    """All balances of a client's books in one list."""

    as_of: datetime
    currencies: tuple[CurrencyTotals, ...]
    accounts: tuple[AccountBalance, ...]


def wallet(identity: WalletIdentity) -> WalletView:
    """Read a wallet."""
    return view_of(Wallet.objects.get(pk=identity.id))


def wallets_page(
    client: int, *, user_id: str | None, before: UUID | None, limit: int
) -> list[WalletView]:
    """List a client's wallets, newest first, below an id."""
    found = Wallet.objects.filter(client_id=client)
    if user_id is not None:
        found = found.filter(user_id=user_id)
    if before is not None:
        found = found.filter(pk__lt=before)
    return [view_of(row) for row in found.order_by("-id")[:limit]]


def balance(identity: WalletIdentity) -> BalanceView:
    """Read a wallet's money now."""
    row = Wallet.objects.get(pk=identity.id)
    return BalanceView(
        wallet_id=row.id,
        currency=row.currency,
        balance=row.balance,
        held=row.held,
        available=row.available,
        version=row.version,
        as_of=clock.now(),
        stale=False,
    )


def balance_at(identity: WalletIdentity, moment: datetime) -> PastBalanceView:
    """Tell a wallet's balance after everything posted up to and at a moment.

    :raises TimestampInFuture: for a moment that the primary's clock has not reached.
    """
    present = primary_clock()
    if moment > present:
        raise errors.TimestampInFuture(
            f"The timestamp must not be later than now, {clock.rfc3339(present)}.",
            field="timestamp",
        )
    past = books.balance_at(identity.id, moment)
    return PastBalanceView(
        wallet_id=identity.id,
        currency=identity.currency,
        balance=past.balance,
        posting_sequence=past.sequence,
        transaction_id=past.entry,
        as_of=moment,
        final=past.is_settled or present - moment > SETTLED_AFTER,
    )


def history(
    identity: WalletIdentity, *, before_sequence: int | None, limit: int
) -> list[HistoryItem]:
    """List a wallet's movements, newest first, below a posting sequence."""
    page = books.page_of_account(identity.id, before_sequence=before_sequence, limit=limit)
    entries = books.entries_by_id([entry for _, entry in page])
    return [_history_item(entries[entry], identity) for _, entry in page]


def history_oldest_first(identity: WalletIdentity, *, offset: int, limit: int) -> OldestFirst:
    """List what happened to a wallet, from its creation on, after so many items.

    Posting sequences have no gaps, so an offset is a look-up and costs nothing.
    """
    created_at = wallet(identity).created_at if offset == 0 else None
    page = books.postings_from(
        identity.id, sequence=max(offset, 1), limit=limit - (created_at is not None)
    )
    entries = books.entries_by_id([entry for _, entry in page])
    items = tuple(_history_item(entries[entry], identity) for _, entry in page)
    return OldestFirst(created_at, items)


def transaction(client: int, transaction_id: UUID) -> TransactionView | None:
    """Read a transaction of a client with its postings, or None when the client has none such."""
    entry = books.entries_by_id([transaction_id]).get(transaction_id)
    if entry is None or entry.client != client:
        return None
    names = books.account_names(line.account for line in entry.lines)
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


def trial_balance(client: int, moment: datetime | None) -> TrialBalanceView:
    """Sum a client's books up to and at a moment, or up to now, as they stand in one snapshot.

    :raises TimestampInFuture: for a moment that the primary's clock has not reached.
    """
    present = primary_clock()
    if moment is not None and moment > present:
        raise errors.TimestampInFuture(
            f"asOf must not be later than now, {clock.rfc3339(present)}.", field="asOf"
        )
    as_of = moment or present
    with snapshot():
        lines = books.totals(client, as_of)
    sides: dict[str, CurrencyTotals] = {}
    for line in lines:
        side = sides.setdefault(line.currency, CurrencyTotals(line.currency))
        side.credit += max(line.total, 0)
        side.debit += max(-line.total, 0)
    accounts = [
        AccountBalance(line.code or wallets_code(line.currency), line.currency, line.total)
        for line in lines
    ]
    return TrialBalanceView(as_of, tuple(sides.values()), tuple(accounts))


def primary_clock() -> datetime:
    """Read the primary's clock, the one that stamps postings."""
    connection = connections[PRIMARY]
    if connection.vendor != "mysql":
        return clock.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT UTC_TIMESTAMP(6)")
        moment: datetime = cursor.fetchone()[0]
    return moment.replace(tzinfo=UTC)


def view_of(row: Wallet) -> WalletView:
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
    )


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
