"""Reads of the books. Other apps use these and never the tables.

What the write path asks is asked of the primary. What a reader asks names its database, so that
the queries of one page see one state.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from operator import or_
from typing import Any, Final
from uuid import UUID

from django.db import connections
from django.db.models import DecimalField, Field, Min, Q, Sum
from django.db.models.functions import Cast

from ledger.models import Account, Correction, JournalEntry, NormalSide, Posting, Reversal
from wallet_project.kit.bulk_sql import hex_list
from wallet_project.kit.database import PRIMARY

_EXACT: Final[Field[object, object]] = DecimalField(max_digits=38, decimal_places=0)


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
class Link:
    """A posting as a part of its account's chain; amounts in minor units, credit positive."""

    sequence: int
    amount: int
    balance_after: int | None
    version: int | None
    posted_at: datetime


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


def entries_by_key(keys: Collection[bytes], *, using: str = PRIMARY) -> dict[bytes, PostedEntry]:
    """Find the entries that these idempotency keys already made."""
    # Nearly always there is none, and a list of 256 keys as parameters takes the ORM a millisecond.
    table = connections[using].ops.quote_name(JournalEntry._meta.db_table)
    sql = f"SELECT idempotency_key FROM {table} WHERE idempotency_key IN ({hex_list(keys)})"  # noqa: S608 - hex digits
    with connections[using].cursor() as cursor:
        cursor.execute(sql)
        used = [bytes(key) for (key,) in cursor.fetchall()]
    if not used:
        return {}
    found = JournalEntry.objects.using(using).filter(idempotency_key__in=used)
    return {entry.idempotency_key: entry for entry in _with_lines(found, using)}


def hash_of_key(key: bytes) -> bytes | None:
    """Return the request hash of the entry a key made, or None where it made none."""
    found = JournalEntry.objects.using(PRIMARY).filter(idempotency_key=key)
    value = found.values_list("request_hash", flat=True).first()
    return None if value is None else bytes(value)


def entries_by_id(ids: Collection[UUID], *, using: str = PRIMARY) -> dict[UUID, PostedEntry]:
    """Load entries with their lines; ids that do not exist are left out."""
    found = JournalEntry.objects.using(using).filter(pk__in=list(ids))
    return {entry.id: entry for entry in _with_lines(found, using)}


def reversed_so_far(originals: Collection[UUID]) -> dict[UUID, int]:
    """Sum what has been taken back of entries (minor units); those of which nothing was are left
    out. Right while the wallets of the entries are locked."""
    if not originals:
        return {}
    found = Reversal.objects.using(PRIMARY).filter(reverses__in=list(originals)).order_by()
    rows = found.values_list("reverses").annotate(total=Sum(Cast("amount", _EXACT)))
    return {original: int(total) for original, total in rows}


def reversals_of(entry: UUID, *, using: str = PRIMARY) -> list[UUID]:
    """List the entries that have taken an entry back, the first hundred."""
    found = Reversal.objects.using(using).filter(reverses=entry).order_by("entry_id")
    return list(found.values_list("entry_id", flat=True)[:100])


def corrected_by(entry: UUID, *, using: str = PRIMARY) -> UUID | None:
    """Name the entry that an adjustment corrects; None: it names none."""
    found = Correction.objects.using(using).filter(pk=entry).values_list("corrects", flat=True)
    return found.first()


def corrected_references(entries: Collection[UUID], *, using: str = PRIMARY) -> dict[UUID, str]:
    """Tell the references of the entries that these correct; who corrects none is left out."""
    rows = Correction.objects.using(using).filter(pk__in=list(entries))
    corrected = dict(rows.values_list("entry_id", "corrects"))
    if not corrected:
        return {}
    found = JournalEntry.objects.using(using).filter(pk__in=set(corrected.values()))
    references = dict(found.values_list("pk", "reference"))
    return {entry: references.get(other, "") for entry, other in corrected.items()}


def corrections_of(entry: UUID, *, using: str = PRIMARY) -> list[UUID]:
    """List the entries that correct an entry, the first hundred."""
    found = Correction.objects.using(using).filter(corrects=entry).order_by("entry_id")
    return list(found.values_list("entry_id", flat=True)[:100])


def corrected_on(account: UUID, entries: Collection[UUID]) -> dict[UUID, int]:
    """Sum what those that correct entries have posted on an account (minor units, credit
    positive), by the entries that they correct; those with nothing are left out."""
    if not entries:
        return {}
    rows = Correction.objects.using(PRIMARY).filter(corrects__in=list(entries))
    corrects = dict(rows.values_list("entry_id", "corrects"))
    if not corrects:
        return {}
    found: dict[UUID, int] = {}
    posted = Posting.objects.using(PRIMARY).filter(entry__in=list(corrects), account=account)
    for entry, amount in posted.values_list("entry_id", "amount"):
        found[corrects[entry]] = found.get(corrects[entry], 0) + amount
    return found


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


def links_from(marks: Mapping[UUID, int], *, using: str = PRIMARY) -> dict[UUID, list[Link]]:
    """List the postings of each account from a sequence on, in their order.

    Accounts without any are left out. Reads only these rows, by the index (account, sequence).
    """
    rows = Posting.objects.using(using).filter(
        reduce(
            or_,
            (Q(account_id=account, sequence__gte=mark) for account, mark in marks.items()),
            Q(pk__in=[]),
        )
    )
    columns = ("sequence", "amount", "balance_after", "version", "posted_at")
    found: dict[UUID, list[Link]] = {}
    for account, sequence, *rest in rows.order_by("account_id", "sequence").values_list(
        "account_id", *columns
    ):
        found.setdefault(account, []).append(Link(sequence or 0, *rest))
    return found


def accounts_posted(*, after: int, upto: int, limit: int) -> tuple[dict[UUID, int], int]:
    """Tell which customers' accounts were posted to, each with the sequence of its first posting.

    Looks at the postings with ids above `after`, `limit` of them at most; returns up to which id
    that was.
    """
    rows = Posting.objects.using(PRIMARY).filter(pk__gt=after, pk__lte=upto).order_by("pk")
    lines = list(rows.values_list("pk", "account_id", "sequence")[:limit])
    found: dict[UUID, int] = {}
    for _, account, sequence in lines:
        if sequence is not None:
            found[account] = min(sequence, found.get(account, sequence))
    return found, lines[-1][0] if len(lines) == limit else upto


def balance_at(account: UUID, moment: datetime, *, using: str = PRIMARY) -> PastBalance:
    """Tell an account's balance after everything posted up to and at a moment."""
    (found,) = balances_at([(account, moment)], using=using)
    return found


def balances_at(
    asked: Sequence[tuple[UUID, datetime]], *, using: str = PRIMARY
) -> list[PastBalance]:
    """Tell accounts' balances, each after everything posted up to and at its own moment.

    For each: the last posting not after the moment, which is one look-up in an index, and whether
    there is one after it. One statement for all, and a second one for accounts without either.
    """
    if not asked:
        return []
    adapt = connections[using].ops.adapt_datetimefield_value
    parameters: list[object] = []
    for account, moment in asked:
        parameters += [account.bytes, adapt(moment)] * 2
    sql = " UNION ALL ".join(
        _LAST_POSTING.format(place=place, table=connections[using].ops.quote_name(_POSTINGS))
        for place in range(len(asked))
    )
    rows = {row.place: row for row in Posting.objects.using(using).raw(sql, parameters)}
    silent = [account for place, (account, _) in enumerate(asked) if place not in rows]
    first = _first_postings(silent, using) if silent else {}
    return [
        _past(rows[place])
        if place in rows
        else PastBalance(0, 0, None, account in first and first[account] > moment)
        for place, (account, moment) in enumerate(asked)
    ]


def totals(client: int, moment: datetime) -> list[AccountTotal]:
    """Sum a client's postings up to and at a moment: each house account by itself, the accounts
    that count their postings (customers') in one line for each currency.

    Two statements: run them in one snapshot. Lines in the order of currency and code.
    """
    postings = Posting.objects.using(PRIMARY).filter(account__client=client, posted_at__lte=moment)
    total = Sum(Cast("amount", _EXACT))
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


# A select of a select: SQLite knows no other way to limit the parts of a union.
_POSTINGS: Final = Posting._meta.db_table
_LAST_POSTING: Final = (
    "SELECT * FROM (SELECT id, balance_after, sequence, entry_id, {place} AS place, EXISTS("
    "SELECT 1 FROM {table} WHERE account_id = %s AND posted_at > %s) AS is_settled "
    "FROM {table} WHERE account_id = %s AND posted_at <= %s "
    "ORDER BY posted_at DESC, sequence DESC LIMIT 1) AS last_{place}"
)


def _past(row: Any) -> PastBalance:
    return PastBalance(
        row.balance_after or 0, row.sequence or 0, row.entry_id, bool(row.is_settled)
    )


def _first_postings(accounts: Collection[UUID], using: str) -> dict[UUID, datetime]:
    """Tell when accounts had their first posting; those that have none are left out."""
    found = Posting.objects.using(using).filter(account_id__in=list(accounts)).order_by()
    return dict(found.values_list("account_id").annotate(first=Min("posted_at")))


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
