"""The postings of an account in the order of their time, for who keeps a list of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from ledger.models import Account, BalanceSnapshot, JournalEntry, Posting
from wallet_project.kit.database import PRIMARY


@dataclass(frozen=True, slots=True)
class FedPosting:
    """A posting with what its entry says; minor units, credit positive."""

    id: int
    entry: UUID
    amount: int
    kind: str
    reference: str
    channel: str
    posted_at: datetime
    value_date: date


def accounts_by_code(codes: Collection[str], *, using: str = PRIMARY) -> dict[str, UUID]:
    """Find accounts by their codes; codes that nobody has are left out."""
    found = Account.objects.using(using).filter(code__in=list(codes))
    return dict(found.values_list("code", "id"))


def clients_with(part: str, *, using: str = PRIMARY) -> set[int]:
    """Tell whose house accounts have this part in their codes and were posted to, by the roll-up's
    sums: they are few, where a search among all codes would walk through every wallet's."""
    sums = BalanceSnapshot.objects.using(using).filter(is_house=True)
    found = sums.filter(account__code__contains=part).order_by()
    return set(found.values_list("client", flat=True))


def postings_since(
    account: UUID, since: datetime | None, *, page: int = 1000, using: str = PRIMARY
) -> Iterator[list[FedPosting]]:
    """Read the postings at and after a moment, oldest first, page by page.

    Walks along the index by time. A posting that is committed late may appear before what was read
    already: who must have all reads the last minute again.
    """
    place: tuple[datetime, int] | None = None
    while True:
        rows = Posting.objects.using(using).filter(account_id=account)
        begin = since if place is None else place[0]
        if begin is not None:
            rows = rows.filter(posted_at__gte=begin)
        # As the index has it: without the sequence, which house accounts have not, none serves.
        ordered = rows.order_by("posted_at", "sequence", "pk")
        columns = ("pk", "entry_id", "amount", "posted_at")
        read = list(ordered.values_list(*columns)[: page + _twins(account, place, using)])
        fresh = [row for row in read if place is None or (row[3], row[0]) > place]
        if not fresh:
            return
        place = fresh[-1][3], fresh[-1][0]
        yield _with_entries(fresh, using)


def _twins(account: UUID, place: tuple[datetime, int] | None, using: str) -> int:
    """Count what was posted at one moment and read already, which a page would begin with."""
    if place is None:
        return 0
    rows = Posting.objects.using(using).filter(account_id=account, posted_at=place[0])
    return rows.filter(pk__lte=place[1]).count()


def _with_entries(rows: list[tuple[int, UUID, int, datetime]], using: str) -> list[FedPosting]:
    columns = ("kind", "reference", "channel", "value_date")
    entries = {
        pk: more
        for pk, *more in JournalEntry.objects.using(using)
        .filter(pk__in=[row[1] for row in rows])
        .values_list("pk", *columns)
    }
    return [
        FedPosting(
            id=id_,
            entry=entry,
            amount=amount,
            kind=entries[entry][0],
            reference=entries[entry][1],
            channel=entries[entry][2],
            posted_at=posted_at,
            value_date=entries[entry][3],
        )
        for id_, entry, amount, posted_at in rows
    ]
