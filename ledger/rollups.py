"""Reads of the sums over the books: what would take a scan of all postings otherwise.

The sums are made behind the writers (`rolling.py`), so they lag by a minute or two. Where that is
too late, the postings since are added in the same statement, so that no step of the roll-up comes
in between.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from django.db import connections
from django.db.models import Sum

from ledger import rolling
from ledger.models import Account, BalanceSnapshot, CustomersTotal, DayTotal, Posting, RollUp
from ledger.settled import end_of_books
from ledger.settled import settled_upto as settled_upto
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.fields import WideIntegerField

TAIL_MAX: Final = 100_000
"""So many postings a reader adds to the sums himself; behind more he takes the sums as they are."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far the sums go."""

    upto: int
    behind: int
    """How many ids of postings the books are ahead; a minute's worth is ordinary."""
    late: int
    """Postings that the sums do not have although they should. Anything but 0 is an alarm."""
    rolled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Flow:
    """Money that came in and went out on a day; minor units, not negative."""

    day: date
    currency: str
    money_in: int
    money_out: int
    postings: int


@dataclass(frozen=True, slots=True)
class AccountFlow:
    """Money that came in and went out by one house account."""

    account: UUID
    code: str
    currency: str
    money_in: int
    money_out: int
    postings: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the trial balance; minor units, credit positive."""

    client: int
    currency: str
    code: str | None
    """A house account's; None: all customers of the client together."""
    balance: int


@dataclass(frozen=True, slots=True)
class Books:
    """The trial balance of one currency; minor units."""

    currency: str
    customers: int
    """What customers have, by their own postings."""
    debit: int
    credit: int
    difference: int | None
    """Anything but 0 is an alarm. None: the sums are too far behind to tell."""


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """All lines, in the order of currency, client and code."""

    position: Position
    is_current: bool
    """Whether the postings since the sums are in it."""
    lines: tuple[Line, ...]

    def by_currency(self) -> list[Books]:
        """Sum the lines up by currency, over all clients."""
        found: defaultdict[str, list[Line]] = defaultdict(list)
        for line in self.lines:
            found[line.currency].append(line)
        return [self._books(currency, lines) for currency, lines in sorted(found.items())]

    def _books(self, currency: str, lines: Sequence[Line]) -> Books:
        credit = sum(line.balance for line in lines if line.balance > 0)
        debit = -sum(line.balance for line in lines if line.balance < 0)
        customers = sum(line.balance for line in lines if line.code is None)
        # Sums cut at a mark may have one line of an entry and not the other.
        difference = credit - debit if self.is_current else None
        return Books(currency, customers, debit, credit, difference)


@dataclass(frozen=True, slots=True)
class ExplainedPosting:
    """A posting since the snapshot; minor units, credit positive."""

    id: int
    entry: UUID
    amount: int
    balance_after: int | None
    sequence: int
    posted_at: datetime


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a customer's account has its balance: a snapshot and every posting since."""

    start: int
    """The snapshot's balance in minor units; 0 where there is none."""
    sequence: int
    """Its last posting."""
    upto: int
    made_at: datetime | None
    """None: there is no snapshot, the postings are all there are."""
    postings: tuple[ExplainedPosting, ...]
    """Oldest first."""
    is_complete: bool
    """Whether these are all postings since."""

    @property
    def balance(self) -> int:
        """The sum of it all."""
        return self.start + sum(posting.amount for posting in self.postings)


def position(*, using: str = PRIMARY) -> Position:
    """Tell how far the sums go."""
    found = rolling.mark(using=using)
    moment = None if found._state.adding else found.rolled_at
    return Position(found.upto, max(end_of_books() - found.upto, 0), found.late, moment)


def balances(accounts: Collection[UUID], *, using: str = PRIMARY) -> dict[UUID, int]:
    """Tell house accounts' balances as they are now: minor units, credit positive.

    The mark, the sums and the postings since are read by one statement. An account that nobody
    ever used has 0.
    """
    if not accounts:
        return {}
    connection = connections[using]
    quote = connection.ops.quote_name
    posting, snapshot = quote(Posting._meta.db_table), quote(BalanceSnapshot._meta.db_table)
    rollup = quote(RollUp._meta.db_table)
    some = ", ".join(["%s"] * len(accounts))
    # Every index that begins with the account would walk through all of its postings.
    hint = "FORCE INDEX (PRIMARY)" if connection.vendor == "mysql" else ""
    sql = (
        f"SELECT account_id, balance FROM {snapshot} WHERE is_house = 1 AND account_id IN ({some}) "  # noqa: S608 - table names
        f"UNION ALL SELECT account_id, SUM(amount) FROM {posting} {hint} "
        f"WHERE id > COALESCE((SELECT upto FROM {rollup}), 0) AND sequence IS NULL "
        f"AND account_id IN ({some}) GROUP BY account_id"
    )
    found = dict.fromkeys(accounts, 0)
    with connection.cursor() as cursor:
        cursor.execute(sql, [account.bytes for account in accounts] * 2)
        for account, amount in cursor.fetchall():
            found[UUID(bytes=bytes(account))] += int(amount)
    return found


def by_day(client: int | None, since: date, until: date, *, using: str = PRIMARY) -> list[Flow]:
    """Tell what came in and went out on each day from `since` to `until`, both included.

    Of one client, or of all; by currency; days without movements are left out.
    """
    rows = _days(client, since, until, using).values("day", "currency")
    found = rows.annotate(**_FLOWS).order_by("day", "currency")
    return [
        Flow(row["day"], row["currency"], row["came"], row["went"], row["number"]) for row in found
    ]


def by_account(
    client: int | None, since: date, until: date, *, using: str = PRIMARY
) -> list[AccountFlow]:
    """Tell what came in and went out by each house account in these days, by currency and code."""
    rows = _days(client, since, until, using).values("account_id", "account__code", "currency")
    found = rows.annotate(**_FLOWS).order_by("currency", "account__code")
    return [
        AccountFlow(
            row["account_id"],
            row["account__code"],
            row["currency"],
            row["came"],
            row["went"],
            row["number"],
        )
        for row in found
    ]


def trial_balance_now(client: int | None = None, *, using: str = PRIMARY) -> TrialBalance:
    """Tell all balances, of one client or of all, as they are now.

    Customers' money and house accounts are summed by their own postings each, so the difference is
    a proof and not an identity. It is None where the sums lag more than a reader can add.
    """
    place = position(using=using)
    is_current = place.behind <= TAIL_MAX
    lines: defaultdict[tuple[str, int, str], int] = defaultdict(int)
    for owner, currency, code, balance in _books_rows(client, is_current, using):
        lines[currency, owner, code or ""] += balance
    return TrialBalance(
        place,
        is_current,
        tuple(
            Line(owner, currency, code or None, balance)
            for (currency, owner, code), balance in sorted(lines.items())
        ),
    )


def explain(account: UUID, *, limit: int = 1_000, using: str = PRIMARY) -> Explanation:
    """Explain a customer's balance: its last snapshot and the postings since, the first so many."""
    snapshots = BalanceSnapshot.objects.using(using).filter(pk=account, is_house=False)
    start = snapshots.first()
    sequence = 0 if start is None else start.sequence or 0
    rows = Posting.objects.using(using).filter(account_id=account, sequence__gt=sequence)
    columns = ("id", "entry_id", "amount", "balance_after", "sequence", "posted_at")
    found = list(rows.order_by("sequence").values_list(*columns)[: limit + 1])
    return Explanation(
        start=0 if start is None else start.balance,
        sequence=sequence,
        upto=0 if start is None else start.upto,
        made_at=None if start is None else start.made_at,
        postings=tuple(ExplainedPosting(*row) for row in found[:limit]),
        is_complete=len(found) <= limit,
    )


_WIDE: Final = WideIntegerField()
_FLOWS: Final = {
    "came": Sum("debits"),
    "went": Sum("credits"),
    "number": Sum("postings", output_field=_WIDE),
}


def _days(client: int | None, since: date, until: date, using: str) -> Any:
    rows = DayTotal.objects.using(using).filter(day__gte=since, day__lte=until)
    return rows if client is None else rows.filter(client=client)


def _books_rows(
    client: int | None, is_current: bool, using: str
) -> Iterator[tuple[int, str, str | None, int]]:
    """Read (client, currency, code or None, balance) of all sums and of the postings since."""
    connection = connections[using]
    posting, account, snapshot, customers, rollup = (
        connection.ops.quote_name(model._meta.db_table)
        for model in (Posting, Account, BalanceSnapshot, CustomersTotal, RollUp)
    )
    # Left alone, MySQL begins with the accounts and walks through all postings of each.
    is_mysql = connection.vendor == "mysql"
    hint, join = ("FORCE INDEX (PRIMARY)", "STRAIGHT_JOIN") if is_mysql else ("", "JOIN")
    of_one = "" if client is None else " AND {}.client = %s"
    sql = (
        f"SELECT s.client, s.currency, a.code, s.balance FROM {snapshot} s "  # noqa: S608 - table names
        f"JOIN {account} a ON a.id = s.account_id WHERE s.is_house = 1{of_one.format('s')} "
        f"UNION ALL SELECT c.client, c.currency, NULL, c.balance FROM {customers} c "
        f"WHERE 1 = 1{of_one.format('c')}"
    )
    if is_current:
        line = "CASE WHEN p.sequence IS NULL THEN a.code END"
        sql += (
            f" UNION ALL SELECT a.client, a.currency, {line}, SUM(p.amount) "  # noqa: S608 - as above
            f"FROM {posting} p {hint} {join} {account} a ON a.id = p.account_id "
            f"WHERE p.id > COALESCE((SELECT upto FROM {rollup}), 0){of_one.format('a')} "
            f"GROUP BY a.client, a.currency, {line}"
        )
    parameters = [] if client is None else [client] * sql.count("%s")
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        for owner, currency, code, balance in cursor.fetchall():
            name = code.decode() if isinstance(code, bytes) else code
            yield int(owner), str(currency), name, int(balance)
