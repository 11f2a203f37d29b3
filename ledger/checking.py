"""Makes every sum over the books afresh, in memory, and compares it with what is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import transaction

from ledger.models import BalanceSnapshot, CustomersTotal, DayTotal, Posting, RollUp
from ledger.rolling import BATCH, Sums, held_mark, mark, postings_between
from wallet_project.kit.database import INTERACTIVE, PRIMARY, run_retrying


@dataclass(frozen=True, slots=True)
class Difference:
    """A sum that is not what the postings say."""

    subject: str
    kept: str
    found: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What a comparison found."""

    upto: int
    postings: int
    differences: tuple[Difference, ...]
    is_complete: bool = True
    """False: it was told to stop before the end."""


def check(
    *,
    batch_size: int = BATCH,
    enough: Callable[[], bool],
    say: Callable[[str], object],
) -> Checked:
    """Compare all sums with the postings up to the mark; changes nothing, may run beside roll-ups.

    The sums fit into memory: they grow with house accounts and days, not with postings. What the
    roll-up adds meanwhile is read as well, until the mark stands still under the comparison.
    """
    sums, place = Sums(), 0
    while True:
        goal = mark().upto
        while place < goal:
            if enough():
                return Checked(place, sums.count, (), is_complete=False)
            rows = postings_between(place, goal, batch_size)
            sums.add(row[1:] for row in rows)
            # Which postings of customers' accounts there were is for snapshots only.
            sums.sequences.clear()
            place = rows[-1][0] if len(rows) == batch_size else goal
            say(f"{sums.count} postings read, up to {place}")
        found = run_retrying(
            lambda at=place: _compare(sums, at),  # type: ignore[misc]
            INTERACTIVE,
            operation="check_sums",
        )
        if found is not None:
            wrong = [*found, *_wrong_snapshots(batch_size)]
            return Checked(place, sums.count, tuple(wrong))


def _compare(sums: Sums, place: int) -> list[Difference] | None:
    """Compare while nobody adds; None if the mark has moved on."""
    with transaction.atomic(using=PRIMARY):
        held = held_mark()
        if held is None or held.upto != place:
            return None
        return [*_of_mark(held), *_of_house(sums), *_of_days(sums), *_of_customers(sums)]


def _of_mark(held: RollUp) -> Iterator[Difference]:
    if held.late:
        yield Difference("postings that came in late", str(held.late), "0")


def _of_house(sums: Sums) -> Iterator[Difference]:
    rows = BalanceSnapshot.objects.using(PRIMARY).filter(is_house=True)
    kept = dict(rows.values_list("account_id", "balance"))
    found = {account: one.balance for account, one in sums.house.items()}
    for account in sorted(kept.keys() | found.keys()):
        if kept.get(account) != found.get(account):
            subject = f"balance of account {account}"
            yield Difference(subject, str(kept.get(account)), str(found.get(account)))


def _of_days(sums: Sums) -> Iterator[Difference]:
    columns = ("account_id", "day", "debits", "credits", "postings")
    rows = DayTotal.objects.using(PRIMARY).values_list(*columns)
    kept = {(account, day): tuple(numbers) for account, day, *numbers in rows.iterator()}
    found = {key: (one.debits, one.credits, one.postings) for key, one in sums.days.items()}
    for key in sorted(kept.keys() | found.keys()):
        if kept.get(key) != found.get(key):
            subject = f"{key[1]} of account {key[0]}"
            yield Difference(subject, str(kept.get(key)), str(found.get(key)))


def _of_customers(sums: Sums) -> Iterator[Difference]:
    rows = CustomersTotal.objects.using(PRIMARY).values_list("client", "currency", "balance")
    kept = {(client, currency): balance for client, currency, balance in rows}
    for key in sorted(kept.keys() | sums.customers.keys()):
        if kept.get(key) != sums.customers.get(key):
            subject = f"customers of client {key[0]} in {key[1]}"
            yield Difference(subject, str(kept.get(key)), str(sums.customers.get(key)))


def _wrong_snapshots(batch_size: int) -> Iterator[Difference]:
    """Compare customers' snapshots with the balance that their last posting left, page by page."""
    rows = BalanceSnapshot.objects.using(PRIMARY).filter(is_house=False).order_by("account_id")
    after = None
    while True:
        page = rows if after is None else rows.filter(account_id__gt=after)
        found = list(page[:batch_size])
        for one in found:
            posting = Posting.objects.using(PRIMARY).filter(
                account_id=one.account_id, sequence=one.sequence
            )
            left = posting.values_list("balance_after", flat=True).first()
            if left != one.balance:
                subject = f"snapshot of account {one.account_id} after posting {one.sequence}"
                yield Difference(subject, str(one.balance), str(left))
        if len(found) < batch_size:
            return
        after = found[-1].account_id
