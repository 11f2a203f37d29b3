"""Adds postings to the sums by value date and by quarter of an hour, each posting once.

Behind the roll-up of the books and never before it: that one looks for postings that come late.
One row says how far the sums go; a step adds a batch and moves the row in one transaction. So a
killed step leaves nothing, and two at once take turns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from django.db import connections, models, transaction

from ledger import rolling
from ledger.models import Posting
from ledger.periods.models import DaySum, Progress, QuarterSum
from wallet_project.kit.database import INTERACTIVE, PRIMARY, run_retrying

CUSTOMERS: Final = UUID(int=0)
"""The line of all customers of a client in a currency."""
BATCH: Final = 5_000
_ROW: Final = 1
_QUARTER_MINUTES: Final = 15


@dataclass(frozen=True, slots=True)
class Movement:
    """A posting with what the sums are made by."""

    id: int
    client: int
    account: UUID
    """`CUSTOMERS` for a customer's."""
    currency: str
    amount: int
    posted_at: datetime
    valued_on: date


@dataclass(slots=True)
class Turnover:
    """What went through a line; minor units, not negative."""

    debits: int = 0
    credits: int = 0
    postings: int = 0

    @property
    def net(self) -> int:
        """The change of the balance, credit positive."""
        return self.credits - self.debits

    def add(self, amount: int) -> None:
        """Add a posting."""
        self.debits += max(-amount, 0)
        self.credits += max(amount, 0)
        self.postings += 1

    def add_all(self, debits: int, credits_: int, postings: int) -> None:
        """Add the sums of several postings."""
        self.debits += debits
        self.credits += credits_
        self.postings += postings


@dataclass(slots=True)
class _Batch:
    days: dict[tuple[int, date, date, UUID, str], Turnover] = field(default_factory=dict)
    quarters: dict[tuple[int, datetime, UUID, str], Turnover] = field(default_factory=dict)

    def add(self, found: Iterable[Movement]) -> None:
        for one in found:
            day = (one.client, one.posted_at.date(), one.valued_on, one.account, one.currency)
            self.days.setdefault(day, Turnover()).add(one.amount)
            quarter = (one.client, quarter_of(one.posted_at), one.account, one.currency)
            self.quarters.setdefault(quarter, Turnover()).add(one.amount)


def add(
    *,
    batch_size: int = BATCH,
    enough: Callable[[], bool] = lambda: False,
    say: Callable[[str], object] = lambda _: None,
) -> int:
    """Add what the roll-up of the books has, in steps, until nothing is left or `enough()`.

    Returns up to which posting the sums go. Safe to run twice, beside others, and to kill.
    """
    goal = rolling.mark().upto
    while True:
        place = run_retrying(lambda: _step(goal, batch_size), INTERACTIVE, operation="add_periods")
        if place >= goal or enough():
            return place
        say(f"sums by value date go up to posting {place}")


def upto(*, using: str = PRIMARY) -> int:
    """Tell up to which posting the sums go."""
    found = Progress.objects.using(using).filter(pk=_ROW).values_list("upto", flat=True).first()
    return found or 0


def read(after: int, until: int | None, limit: int) -> list[Movement]:
    """Read postings by id, the first so many."""
    rows = rolling.first_after(after, until, limit)
    columns = ("id", "account__client", "account_id", "account__currency", "amount", "posted_at")
    found = rows.values_list(*columns, "entry__value_date", "sequence")
    return list(_movements(found))


def quarter_of(moment: datetime) -> datetime:
    """Tell when the quarter of an hour began that a moment is in."""
    minute = moment.minute - moment.minute % _QUARTER_MINUTES
    return moment.replace(minute=minute, second=0, microsecond=0)


def forget_sums() -> None:
    """Remove these sums, so that the next run makes them from the first posting on."""
    with transaction.atomic(using=PRIMARY):
        for model in (Progress, DaySum, QuarterSum):
            model._default_manager.using(PRIMARY).all().delete()


def _movements(rows: Iterable[tuple[Any, ...]]) -> Iterator[Movement]:
    for id_, client, account, currency, amount, posted_at, valued_on, sequence in rows:
        line = account if sequence is None else CUSTOMERS
        yield Movement(id_, client, line, currency, amount, posted_at, valued_on)


def _step(goal: int, batch_size: int) -> int:
    """Add one batch; return up to where."""
    with transaction.atomic(using=PRIMARY):
        place = upto()
        if place >= goal:
            return place
        end = _held_to(place, goal, batch_size)
        if end is None:
            return upto()
        batch = _Batch()
        batch.add(read(place, end, batch_size))
        _add_days(batch.days)
        _add_quarters(batch.quarters)
        return end


def _held_to(place: int, goal: int, batch_size: int) -> int | None:
    """Move the row, which holds it until the transaction ends; None if somebody was faster."""
    ids = Posting.objects.using(PRIMARY).filter(id__gt=place, id__lte=goal).order_by("id")
    last = ids.values_list("id", flat=True)[batch_size - 1 : batch_size].first()
    end = goal if last is None else last
    rows = Progress.objects.using(PRIMARY)
    if place == 0:
        rows.bulk_create([Progress(id=_ROW)], ignore_conflicts=True)
    return end if rows.filter(pk=_ROW, upto=place).update(upto=end) else None


def _add_days(new: dict[tuple[int, date, date, UUID, str], Turnover]) -> None:
    rows = DaySum.objects.using(PRIMARY).filter(
        client__in={key[0] for key in new}, posted_on__in={key[1] for key in new}
    )
    for row in rows:
        key = (row.client, row.posted_on, row.valued_on, row.account, row.currency)
        if key in new:
            new[key].add_all(row.debits, row.credits, row.postings)
    columns = ("client", "posted_on", "valued_on", "account", "currency")
    _put(DaySum, [DaySum(**_row(columns, key, sums)) for key, sums in new.items()], columns)


def _add_quarters(new: dict[tuple[int, datetime, UUID, str], Turnover]) -> None:
    rows = QuarterSum.objects.using(PRIMARY).filter(
        client__in={key[0] for key in new}, slot__in={key[1] for key in new}
    )
    for row in rows:
        key = (row.client, row.slot, row.account, row.currency)
        if key in new:
            new[key].add_all(row.debits, row.credits, row.postings)
    columns = ("client", "slot", "account", "currency")
    _put(QuarterSum, [QuarterSum(**_row(columns, key, sums)) for key, sums in new.items()], columns)


def _row(columns: Sequence[str], key: Sequence[Any], sums: Turnover) -> dict[str, Any]:
    numbers = {"debits": sums.debits, "credits": sums.credits, "postings": sums.postings}
    return dict(zip(columns, key, strict=True)) | numbers


def _put(model: type[models.Model], rows: Sequence[models.Model], unique: Sequence[str]) -> None:
    has_target = connections[PRIMARY].features.supports_update_conflicts_with_target
    model._default_manager.using(PRIMARY).bulk_create(
        rows,
        update_conflicts=True,
        update_fields=["debits", "credits", "postings"],
        unique_fields=unique if has_target else None,
        batch_size=500,
    )
