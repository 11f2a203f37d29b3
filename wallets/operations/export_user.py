"""Hand out all that is kept about a user, row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from ledger import queries as ledger
from ledger.queries import PostedEntry
from wallet_project.kit import audit
from wallet_project.kit.audit import Act
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.personal_data import holdings, read_pages
from wallets.models import Wallet
from wallets.privacy import records
from wallets.privacy.models import PrivacyKind
from wallets.privacy.records import Order

_ENTRIES_A_PAGE: Final = 200
_WALLET: Final = (
    "id",
    "user_id",
    "reference",
    "currency",
    "status",
    "balance",
    "held",
    "overdraft_limit",
    "version",
    "metadata",
    "created_at",
    "updated_at",
)


def export_user(*, wallets: Collection[UUID], order: Order) -> Iterator[dict[str, Any]]:
    """Give each row as plain values with its `kind`, amounts in minor units; record the export.

    The record is written before the first row, without counts, and after the last, with them: an
    export that breaks off has been one all the same.
    """
    counts: Counter[str] = Counter()
    _record(order, counts, is_complete=False)
    for wallet in sorted(wallets):
        for row in _rows(wallet):
            counts[row["kind"]] += 1
            yield row
    _record(order, counts, is_complete=True)


def _rows(wallet: UUID) -> Iterator[dict[str, Any]]:
    for row in read_pages(Wallet.objects.using(PRIMARY).filter(pk=wallet), _WALLET, key="id"):
        yield {"kind": "wallet"} | row
    yield from _entries(wallet)
    for holding in holdings():
        for row in holding.read(wallet):
            yield {"kind": holding.name} | _without_kind(row)


def _without_kind(row: dict[str, Any]) -> dict[str, Any]:
    """Call a column `kind` by another name, for each line has a kind of its own."""
    return {("type" if name == "kind" else name): value for name, value in row.items()}


def _entries(wallet: UUID) -> Iterator[dict[str, Any]]:
    sequence = 1
    while postings := ledger.postings_from(wallet, sequence=sequence, limit=_ENTRIES_A_PAGE):
        found = ledger.entries_by_id([entry for _, entry in postings])
        for _, entry in postings:
            yield _entry(found[entry], wallet)
        sequence = postings[-1][0] + 1


def _entry(entry: PostedEntry, wallet: UUID) -> dict[str, Any]:
    return {
        "kind": "entry",
        "id": entry.id,
        "type": entry.kind,
        "reference": entry.reference,
        "channel": entry.channel,
        "description": entry.description,
        "metadata": entry.metadata,
        "reverses": entry.reverses,
        "posted_at": entry.posted_at,
        "value_date": entry.value_date,
        "postings": [
            {"account": line.account, "amount": line.amount}
            # What another holder has left is his, not this user's.
            | ({"balance_after": line.balance_after} if line.account == wallet else {})
            for line in entry.lines
        ],
    }


def _record(order: Order, counts: Counter[str], *, is_complete: bool) -> None:
    with transaction.atomic(using=PRIMARY):
        records.keep(order, PrivacyKind.EXPORTED, counts, wallet=None, is_complete=is_complete)
        detail = {"rows": dict(counts), "complete": is_complete}
        act = Act("user.export", "privacy.run", str(order.run), order.reason, detail)
        audit.record(order.actor, act)
