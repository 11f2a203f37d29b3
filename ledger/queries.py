"""Reads of the books. Other apps use these and never the tables.

What the write path asks is asked of the primary. What a reader asks names its database, so that
the queries of one page see one state.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import DecimalField, Sum
from django.db.models.functions import Cast

from ledger.models import Account, JournalEntry, NormalSide, Posting
from wallet_project.kit.database import PRIMARY


@dataclass(frozen=True, slots=True)
class PostedLine:
    """A posting as it stands in the books; amounts in minor units, credit positive."""

    account: UUID
    amount: int
    balance_after: int | None
    sequence: int | None
    version: int | None


@dataclass(frozen=True, slots=True)
class PostedEntry:
    """A journal entry as it stands in the books, with its lines in the order they were posted."""

    id: UUID
    kind: str
    idempotency_key: bytes
    request_hash: bytes
    client: int
    reference: str
    channel: str
    description: str | None
    metadata: Mapping[str, Any] | None
    reverses: UUID | None
    posted_at: datetime
    value_date: date
    lines: tuple[PostedLine, ...]


@dataclass(frozen=True, slots=True)
class PastBalance:
    """An account's balance as of some moment, and the posting that made it."""

    balance: int
    sequence: int
    entry: UUID | None
    is_settled: bool
    """Whether a later posting of the account is already visible."""


@dataclass(frozen=True, slots=True)
class AccountName:
    """What identifies an account to a reader."""

    id: UUID
    code: str
    currency: str


@dataclass(frozen=True, slots=True)
class AccountTotal:
    """What the postings of an account, or of all customers' accounts in a currency, sum to."""

    currency: str
    total: int
    """Minor units, credit positive."""
    code: str | None
    """None: all accounts of customers together."""


def entries_by_key(keys: Collection[bytes]) -> dict[bytes, PostedEntry]:
    """Find the entries that these idempotency keys already made."""
    found = JournalEntry.objects.using(PRIMARY).filter(idempotency_key__in=list(keys))
    return {entry.idempotency_key: entry for entry in _with_lines(found, PRIMARY)}


def hash_of_key(key: bytes) -> bytes | None:
    """Return the request hash of the entry a key made, or None where it made none."""
    found = JournalEntry.objects.using(PRIMARY).filter(idempotency_key=key)
    value = found.values_list("request_hash", flat=True).first()
    return None if value is None else bytes(value)


def entries_by_id(ids: Collection[UUID], *, using: str = PRIMARY) -> dict[UUID, PostedEntry]:
    """Load entries with their lines; ids that do not exist are left out."""
    found = JournalEntry.objects.using(using).filter(pk__in=list(ids))
    return {entry.id: entry for entry in _with_lines(found, using)}


def page_of_account(
    account: UUID, *, before_sequence: int | None, limit: int, using: str = PRIMARY
) -> list[tuple[int, UUID]]:
    """List (sequence, entry) of an account's postings, newest first, below a sequence."""
    found = Posting.objects.using(using).filter(account_id=account)
    if before_sequence is not None:
        found = found.filter(sequence__lt=before_sequence)
    rows = found.order_by("-sequence").values_list("sequence", "entry_id")[:limit]
    return [(sequence, entry) for sequence, entry in rows if sequence is not None]


def postings_from(
    account: UUID, *, sequence: int, limit: int, using: str = PRIMARY
) -> list[tuple[int, UUID]]:
    """List (sequence, entry) of an account's postings, oldest first, from a sequence on."""
    found = Posting.objects.using(using).filter(account_id=account, sequence__gte=sequence)
    rows = found.order_by("sequence").values_list("sequence", "entry_id")[:limit]
    return [(number, entry) for number, entry in rows if number is not None]


def balance_at(account: UUID, moment: datetime, *, using: str = PRIMARY) -> PastBalance:
    """Tell an account's balance after everything posted up to and at a moment.

    Two look-ups in one index: the last posting not after the moment, and whether one is after it.
    """
    postings = Posting.objects.using(using).filter(account_id=account)
    last = (
        postings.filter(posted_at__lte=moment)
        .order_by("-posted_at", "-sequence")
        .values_list("balance_after", "sequence", "entry_id")
        .first()
    )
    later = postings.filter(posted_at__gt=moment).exists()
    if last is None:
        return PastBalance(0, 0, None, later)
    balance, sequence, entry = last
    return PastBalance(balance or 0, sequence or 0, entry, later)


def totals(client: int, moment: datetime) -> list[AccountTotal]:
    """Sum a client's postings up to and at a moment: each house account by itself, the accounts
    that count their postings (customers') in one line for each currency.

    Two statements: run them in one snapshot. Lines in the order of currency and code.
    """
    postings = Posting.objects.using(PRIMARY).filter(account__client=client, posted_at__lte=moment)
    total = Sum(Cast("amount", DecimalField(max_digits=38, decimal_places=0)))
    customers = (
        postings.filter(sequence__isnull=False)
        .values("account__currency")
        .annotate(total=total)
        .values_list("account__currency", "total")
    )
    house = (
        postings.filter(sequence__isnull=True)
        .values("account__currency", "account__code")
        .annotate(total=total)
        .values_list("account__currency", "total", "account__code")
    )
    lines = [AccountTotal(currency, int(sum_), None) for currency, sum_ in customers]
    lines += [AccountTotal(currency, int(sum_), code) for currency, sum_, code in house]
    return sorted(lines, key=lambda line: (line.currency, line.code or ""))


def account_names(ids: Iterable[UUID], *, using: str = PRIMARY) -> dict[UUID, AccountName]:
    """Load code and currency of accounts."""
    found = Account.objects.using(using).filter(pk__in=list(ids))
    rows = found.values_list("id", "code", "currency")
    return {row[0]: AccountName(*row) for row in rows}


def account_id(code: str) -> UUID | None:
    """Find an account by its code."""
    found = Account.objects.using(PRIMARY).filter(code=code)
    return found.values_list("id", flat=True).first()


def count_house_accounts(client: int, currency: str) -> int:
    """Count a client's own accounts in a currency; its customers' are not among them."""
    accounts = Account.objects.using(PRIMARY).filter(client=client, currency=currency)
    return accounts.filter(normal_side=NormalSide.DEBIT).count()


def _with_lines(entries: Iterable[JournalEntry], using: str) -> list[PostedEntry]:
    loaded = list(entries)
    lines: dict[UUID, list[PostedLine]] = {entry.id: [] for entry in loaded}
    rows = (
        Posting.objects.using(using)
        .filter(entry_id__in=list(lines))
        .order_by("id")
        .values_list("entry_id", "account_id", "amount", "balance_after", "sequence", "version")
    )
    for entry_id, *line in rows:
        lines[entry_id].append(PostedLine(*line))
    return [
        PostedEntry(
            id=entry.id,
            kind=entry.kind,
            idempotency_key=bytes(entry.idempotency_key),
            request_hash=bytes(entry.request_hash),
            client=entry.client,
            reference=entry.reference,
            channel=entry.channel,
            description=entry.description,
            metadata=entry.metadata,
            reverses=entry.reverses,
            posted_at=entry.posted_at,
            value_date=entry.value_date,
            lines=tuple(lines[entry.id]),
        )
        for entry in loaded
    ]
