"""Prove the books again from their rows, believing nothing that was computed before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connections, models
from django.db.models import Count, Sum
from django.db.models.fields import DecimalField
from django.db.models.functions import Cast

from ledger.models import Account, JournalEntry, Posting
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.pairs import Pair, rows_at

_EXACT: Final[models.Field[object, object]] = DecimalField(max_digits=38, decimal_places=0)


@dataclass(frozen=True, slots=True)
class UnbalancedFinding:
    """An entry that is not at least two lines that sum to zero in one currency."""

    entry: UUID
    lines: int
    currencies: int
    total: int


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What the postings of one account say, read afresh; amounts in minor units."""

    postings: int
    total: int
    lowest_balance: int
    last_sequence: int
    last_balance: int
    last_version: int
    breaks: int
    """Postings that do not follow from the one before: balance, sequence or time."""


def entry_pages(*, limit: int) -> Iterator[list[UUID]]:
    """Walk the ids of all entries in pages."""
    after = UUID(int=0)
    while True:
        page = JournalEntry.objects.using(PRIMARY).filter(pk__gt=after).order_by("pk")
        ids = list(page.values_list("pk", flat=True)[:limit])
        if ids:
            yield ids
        if len(ids) < limit:
            return
        after = ids[-1]


def unbalanced(entries: Collection[UUID]) -> list[UnbalancedFinding]:
    """Find the entries among these that do not balance (each has two lines or more, sum zero)."""
    rows = (
        Posting.objects.using(PRIMARY)
        .filter(entry_id__in=list(entries))
        .values("entry_id")
        .annotate(
            lines=Count("id"),
            total=Sum(Cast("amount", _EXACT)),
            currencies=Count("account__currency", distinct=True),
        )
        .values_list("entry_id", "lines", "currencies", "total")
    )
    seen = {row[0]: row for row in rows}
    findings = []
    for entry in entries:
        _, lines, currencies, total = seen.get(entry, (entry, 0, 0, 0))
        if lines < 2 or currencies != 1 or total != 0:
            findings.append(UnbalancedFinding(entry, lines, currencies, int(total)))
    return findings


def orphans(*, limit: int = 100) -> list[int]:
    """Find postings whose entry does not exist, the first so many."""
    entries = JournalEntry.objects.using(PRIMARY).filter(pk=models.OuterRef("entry_id"))
    rows = Posting.objects.using(PRIMARY).filter(~models.Exists(entries)).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:limit])


def totals_by_currency() -> dict[str, int]:
    """Sum all postings by currency; each must be zero."""
    by_account = (
        Posting.objects.using(PRIMARY)
        .values("account_id")
        .annotate(total=Sum(Cast("amount", _EXACT)))
        .values_list("account_id", "total")
    )
    currency = dict(Account.objects.using(PRIMARY).values_list("pk", "currency"))
    totals: defaultdict[str, int] = defaultdict(int)
    for account, total in by_account.iterator():
        totals[currency.get(account, "?")] += int(total)
    return dict(totals)


def account_facts(accounts: Collection[UUID]) -> dict[UUID, AccountFacts]:
    """Read the chain of each of these accounts afresh; accounts without postings are left out."""
    if not accounts:
        return {}
    marks = ", ".join(["%s"] * len(accounts))
    # The ORM has no aggregate over a window; the window walks the index (account, sequence).
    # MariaDB knows no default of LAG.
    sql = f"""
        SELECT account_id, COUNT(*), SUM(amount), MIN(balance_after), MAX(sequence),
               MAX(CASE WHEN is_last = 1 THEN balance_after END),
               MAX(CASE WHEN is_last = 1 THEN version END),
               SUM(CASE WHEN balance_after = balance_before + amount AND sequence = place
                         AND (time_before IS NULL OR posted_at > time_before)
                         AND (version_before IS NULL OR version > version_before)
                        THEN 0 ELSE 1 END)
        FROM (
            SELECT account_id, amount, balance_after, sequence, version, posted_at,
                   COALESCE(LAG(balance_after) OVER chain, 0) AS balance_before,
                   LAG(posted_at) OVER chain AS time_before,
                   LAG(version) OVER chain AS version_before,
                   ROW_NUMBER() OVER chain AS place,
                   CASE WHEN LEAD(sequence) OVER chain IS NULL THEN 1 ELSE 0 END AS is_last
            FROM {Posting._meta.db_table}
            WHERE account_id IN ({marks})
            WINDOW chain AS (PARTITION BY account_id ORDER BY sequence)
        ) AS links
        GROUP BY account_id
    """  # noqa: S608 - table name and marks only
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute(sql, [account.bytes for account in accounts])
        return {
            UUID(bytes=bytes(row[0])): AccountFacts(*(int(value or 0) for value in row[1:]))
            for row in cursor.fetchall()
        }


def versions_posted(accounts: Collection[UUID]) -> Iterator[tuple[UUID, int, UUID, datetime]]:
    """Walk (account, version, entry, time) of these accounts' postings, by account and version."""
    rows = Posting.objects.using(PRIMARY).filter(account_id__in=list(accounts))
    ordered = rows.order_by("account_id", "sequence").values_list(
        "account_id", "version", "entry_id", "posted_at"
    )
    for account, version, entry, posted_at in ordered.iterator(chunk_size=1_000):
        yield account, version or 0, entry, posted_at


def keys_of(entries: Collection[UUID]) -> dict[bytes, int]:
    """Count by idempotency key how many entries have it, for the keys of these entries."""
    rows = JournalEntry.objects.using(PRIMARY)
    keys = list(rows.filter(pk__in=list(entries)).values_list("idempotency_key", flat=True))
    counted = rows.filter(idempotency_key__in=keys).values("idempotency_key")
    found = counted.annotate(entries=Count("pk")).values_list("idempotency_key", "entries")
    return {bytes(key): number for key, number in found}


def amounts_of(entries: Collection[UUID]) -> dict[tuple[UUID, UUID], int]:
    """Read by entry and account what the postings of these entries say, in minor units."""
    rows = Posting.objects.using(PRIMARY).filter(entry_id__in=list(entries))
    found = rows.values_list("entry_id", "account_id", "amount")
    return {(entry, account): amount for entry, account, amount in found}


class PostingFacts(NamedTuple):
    """One posting, as far as it has to follow from the one before."""

    id: int
    entry: UUID
    account: UUID
    amount: int
    balance_after: int | None
    sequence: int | None
    version: int | None
    posted_at: datetime


_FACTS: Final = (
    *("id", "entry_id", "account_id", "amount", "balance_after", "sequence", "version"),
    "posted_at",
)


def posting_pages(*, after: int, upto: int, limit: int) -> Iterator[list[PostingFacts]]:
    """Walk the postings of a range of ids, in pages."""
    while True:
        rows = Posting.objects.using(PRIMARY).filter(pk__gt=after, pk__lte=upto).order_by("pk")
        page = [PostingFacts(*row) for row in rows.values_list(*_FACTS)[:limit]]
        if page:
            yield page
        if len(page) < limit:
            return
        after = page[-1].id


def postings_at(places: Iterable[Pair]) -> dict[Pair, PostingFacts]:
    """Read the postings at these places, each an account and a sequence."""
    found = rows_at(Posting, ("account_id", "sequence"), places, _FACTS)
    facts = [PostingFacts(*row) for row in found]
    return {(one.account, one.sequence or 0): one for one in facts}


def missing_entries(entries: Collection[UUID]) -> set[UUID]:
    """Find which of these entries do not exist."""
    rows = JournalEntry.objects.using(PRIMARY).filter(pk__in=list(entries))
    return set(entries) - set(rows.values_list("pk", flat=True))
