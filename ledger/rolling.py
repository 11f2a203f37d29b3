"""Adds new postings to the sums over the books, range by range, each posting once.

One row (`RollUp`) says how far the sums go. A step takes the postings behind it, adds them to the
sums and moves the row, in one transaction that holds the row: so a killed step leaves nothing, two
at once take turns, and all sums are of one moment. Only postings that are settled are taken.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connections, models, transaction
from django.db.models import Count, Q, QuerySet, Sum

from ledger.models import BalanceSnapshot, CustomersTotal, DayTotal, Posting, RollUp
from ledger.settled import settled_upto
from wallet_project.kit import clock
from wallet_project.kit.database import INTERACTIVE, PRIMARY, run_retrying
from wallet_project.kit.fields import WideIntegerField

BATCH: Final = 5_000
WATCHED: Final = 20_000
"""How many postings the range that is counted again has before a new one begins."""
_ACCOUNTS_A_STATEMENT: Final = 100
_ROW: Final = 1

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Rolled:
    """What a run did."""

    upto: int = 0
    """The sums have every posting up to this one."""
    postings: int = 0
    snapshots: int = 0
    """Of customers' accounts."""
    late: int = 0
    """Postings that came in where they could not come any more."""


@dataclass(slots=True)
class DaySums:
    """What went through a house account on a day; minor units, not negative."""

    client: int
    currency: str
    debits: int = 0
    credits: int = 0
    postings: int = 0


@dataclass(slots=True)
class HouseSum:
    """What the postings of a house account sum to."""

    client: int
    currency: str
    balance: int = 0


@dataclass(slots=True)
class CustomersRange:
    """Which postings of a customer's account are in a range, by their sequences."""

    client: int
    currency: str
    first: int
    last: int


@dataclass(slots=True)
class Sums:
    """Sums over a range of postings, as the tables have them."""

    count: int = 0
    total: int = 0
    house: dict[UUID, HouseSum] = field(default_factory=dict)
    days: dict[tuple[UUID, date], DaySums] = field(default_factory=dict)
    customers: defaultdict[tuple[int, str], int] = field(default_factory=lambda: defaultdict(int))
    sequences: dict[UUID, CustomersRange] = field(default_factory=dict)

    def add(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Add postings: account, amount, sequence, time, client, currency."""
        for account, amount, sequence, posted_at, client, currency in rows:
            self.count += 1
            self.total += amount
            if sequence is not None:
                self.customers[client, currency] += amount
                new = CustomersRange(client, currency, sequence, sequence)
                seen = self.sequences.setdefault(account, new)
                seen.first, seen.last = min(seen.first, sequence), max(seen.last, sequence)
                continue
            house = self.house.setdefault(account, HouseSum(client, currency))
            house.balance += amount
            day = self.days.setdefault((account, posted_at.date()), DaySums(client, currency))
            day.debits += max(-amount, 0)
            day.credits += max(amount, 0)
            day.postings += 1


def roll_up(
    *,
    upto: int | None = None,
    batch_size: int = BATCH,
    enough: Callable[[], bool] = lambda: False,
    say: Callable[[str], object] = logger.debug,
) -> Rolled:
    """Add what is settled to the sums, in steps, until nothing is left or `enough()`.

    Safe to run twice, beside others, and to kill. Before each step the range added last is counted
    again: a posting that came in behind the mark is an alarm, in the log and in what is returned.
    """
    goal = settled_upto() if upto is None else upto
    rolled = Rolled()
    while True:
        more = run_retrying(
            lambda: _step(goal, batch_size, rolled), INTERACTIVE, operation="roll_up"
        )
        if not more or enough():
            return rolled
        say(f"{rolled.postings} postings added, up to {rolled.upto}")


def mark(*, using: str = PRIMARY) -> RollUp:
    """Return how far the sums go; nowhere yet on a new service."""
    found = RollUp.objects.using(using).filter(pk=_ROW).first()
    return found or RollUp(pk=_ROW, rolled_at=clock.now())


def due() -> int:
    """Count the settled postings that the sums do not have yet."""
    rows = Posting.objects.using(PRIMARY)
    return rows.filter(id__gt=mark().upto, id__lte=settled_upto()).count()


def held_mark() -> RollUp | None:
    """Return the mark and hold it until the transaction ends; None if somebody has just moved it.

    An update, because it tells at once whether the row is still what was read.
    """
    found = mark()
    rows = RollUp.objects.using(PRIMARY)
    if found._state.adding:
        rows.bulk_create([found], ignore_conflicts=True)
    held = rows.filter(pk=_ROW, before=found.before, upto=found.upto, postings=found.postings)
    return found if held.update(rolled_at=clock.now()) else None


def postings_between(after: int, upto: int, limit: int) -> list[tuple[Any, ...]]:
    """Read postings of a range by id, the first so many: id, and what `Sums.add` takes."""
    columns = ("id", "account_id", "amount", "sequence", "posted_at")
    rows = first_after(after, upto, limit).values_list(
        *columns, "account__client", "account__currency"
    )
    return [tuple(row) for row in rows]


def first_after(after: int, upto: int | None, limit: int) -> QuerySet[Posting]:
    """Choose the first so many postings behind an id, in the order of ids, to be read with what
    they belong to.

    By the id they end at, and not by a LIMIT: joined with accounts, of which there may be few,
    MySQL would begin at those and sort all postings behind the id for each batch.
    """
    rows = Posting.objects.using(PRIMARY).filter(id__gt=after).order_by("id")
    if upto is not None:
        rows = rows.filter(id__lte=upto)
    last = rows.values_list("id", flat=True)[limit - 1 : limit].first()
    return rows if last is None else rows.filter(id__lte=last)


def forget_sums() -> None:
    """Remove every sum, so that the next run makes them from the first posting on."""
    with transaction.atomic(using=PRIMARY):
        RollUp.objects.using(PRIMARY).all().delete()
        for model in (DayTotal, CustomersTotal, BalanceSnapshot):
            model._default_manager.using(PRIMARY).all().delete()


def _step(goal: int, batch_size: int, rolled: Rolled) -> bool:
    """Add one batch; tell whether there may be more."""
    with transaction.atomic(using=PRIMARY):
        held = held_mark()
        if held is None:
            return True
        late = _late(held)
        rows = postings_between(held.upto, goal, batch_size)
        end = rows[-1][0] if len(rows) == batch_size else max(goal, held.upto)
        sums = Sums()
        sums.add(row[1:] for row in rows)
        moment = clock.now()
        snapshots = _add(sums, end, moment)
        _move(held, end, sums, late, moment)
    rolled.upto = end
    rolled.postings += sums.count
    rolled.snapshots += snapshots
    rolled.late += late
    return end < goal


def _move(held: RollUp, end: int, sums: Sums, late: int, moment: datetime) -> None:
    if sums.count and held.postings >= WATCHED:
        held.before, held.postings, held.total = held.upto, 0, 0
    held.upto = end
    held.postings += sums.count
    held.total += sums.total
    held.late += late
    held.rolled_at = moment
    held.save(using=PRIMARY, force_update=True)


def _late(held: RollUp) -> int:
    """Count the range added last again; note what is there now, so that it alarms once."""
    rows = Posting.objects.using(PRIMARY).filter(id__gt=held.before, id__lte=held.upto)
    wide = WideIntegerField()
    found = rows.aggregate(postings=Count("id"), total=Sum("amount", output_field=wide))
    postings, total = found["postings"], found["total"] or 0
    if (postings, total) == (held.postings, held.total):
        return 0
    late = abs(postings - held.postings) or 1
    logger.error(
        "rollups.late_postings",
        extra={
            "after": held.before,
            "upto": held.upto,
            "postings": postings,
            "expected_postings": held.postings,
            "sum_minor": total,
            "expected_sum_minor": held.total,
        },
    )
    held.postings, held.total = postings, total
    return late


def _add(sums: Sums, upto: int, moment: datetime) -> int:
    """Add sums of new postings to the tables; return how many customers' snapshots were made."""
    _add_to_house(sums.house, upto, moment)
    _add_to_days(sums.days, upto)
    _add_to_customers(sums.customers, upto)
    every = settings.SNAPSHOT_POSTINGS
    due = {
        account: seen
        for account, seen in sums.sequences.items()
        if seen.last // every > (seen.first - 1) // every
    }
    return put_snapshots(due, upto, moment)


def _add_to_house(new: dict[UUID, HouseSum], upto: int, moment: datetime) -> None:
    there = BalanceSnapshot.objects.using(PRIMARY).in_bulk(list(new))
    _put(
        BalanceSnapshot,
        [
            BalanceSnapshot(
                account_id=account,
                client=one.client,
                currency=one.currency,
                is_house=True,
                upto=upto,
                balance=one.balance + (there[account].balance if account in there else 0),
                made_at=moment,
            )
            for account, one in new.items()
        ],
        unique=["account"],
        changed=["upto", "balance", "made_at"],
    )


def _add_to_days(new: dict[tuple[UUID, date], DaySums], upto: int) -> None:
    rows = DayTotal.objects.using(PRIMARY).filter(
        day__in={day for _, day in new}, account_id__in={account for account, _ in new}
    )
    there = {(row.account_id, row.day): row for row in rows}
    changed = []
    for (account, day), one in new.items():
        row = there.get((account, day))
        changed.append(
            DayTotal(
                account_id=account,
                day=day,
                client=one.client,
                currency=one.currency,
                debits=one.debits + (row.debits if row else 0),
                credits=one.credits + (row.credits if row else 0),
                postings=one.postings + (row.postings if row else 0),
                upto=upto,
            )
        )
    _put(
        DayTotal,
        changed,
        unique=["day", "account"],
        changed=["debits", "credits", "postings", "upto"],
    )


def _add_to_customers(new: dict[tuple[int, str], int], upto: int) -> None:
    rows = CustomersTotal.objects.using(PRIMARY).filter(client__in={client for client, _ in new})
    there = {(row.client, row.currency): row.balance for row in rows}
    _put(
        CustomersTotal,
        [
            CustomersTotal(
                client=client,
                currency=currency,
                balance=balance + there.get((client, currency), 0),
                upto=upto,
            )
            for (client, currency), balance in new.items()
        ],
        unique=["client", "currency"],
        changed=["balance", "upto"],
    )


def put_snapshots(due: dict[UUID, CustomersRange], upto: int, moment: datetime) -> int:
    """Make snapshots of customers' accounts, each after its posting `last`.

    A sum over the postings since the snapshot before, not a copy of `balance_after`: it is there to
    be compared with that.
    """
    there = BalanceSnapshot.objects.using(PRIMARY).in_bulk(list(due))
    due = {
        account: one
        for account, one in due.items()
        if account not in there or (there[account].sequence or 0) < one.last
    }
    accounts = list(due)
    added: dict[UUID, int] = {}
    for start in range(0, len(accounts), _ACCOUNTS_A_STATEMENT):
        ranges = Q(pk__in=[])
        for account in accounts[start : start + _ACCOUNTS_A_STATEMENT]:
            since = there[account].sequence if account in there else 0
            ranges |= Q(
                account_id=account, sequence__gt=since or 0, sequence__lte=due[account].last
            )
        found = Posting.objects.using(PRIMARY).filter(ranges).values("account_id").order_by()
        total = Sum("amount", output_field=WideIntegerField())
        added |= dict(found.annotate(total=total).values_list("account_id", "total"))
    _put(
        BalanceSnapshot,
        [
            BalanceSnapshot(
                account_id=account,
                client=one.client,
                currency=one.currency,
                is_house=False,
                upto=upto,
                sequence=one.last,
                balance=added[account] + (there[account].balance if account in there else 0),
                made_at=moment,
            )
            for account, one in due.items()
        ],
        unique=["account"],
        changed=["upto", "sequence", "balance", "made_at"],
    )
    return len(due)


def _put(
    model: type[models.Model],
    rows: Sequence[models.Model],
    *,
    unique: Sequence[str],
    changed: Sequence[str],
) -> None:
    """Insert rows, or change those that are there already."""
    has_target = connections[PRIMARY].features.supports_update_conflicts_with_target
    model._default_manager.using(PRIMARY).bulk_create(
        rows,
        update_conflicts=True,
        update_fields=changed,
        unique_fields=unique if has_target else None,
        batch_size=500,
    )
