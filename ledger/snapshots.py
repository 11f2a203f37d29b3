"""Makes snapshots of customers' balances that somebody asks for by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final
from uuid import UUID

from django.db import transaction

from ledger.models import Account, NormalSide, Posting
from ledger.rolling import CustomersRange, held_mark, put_snapshots
from wallet_project.kit import clock
from wallet_project.kit.database import INTERACTIVE, PRIMARY, run_retrying

ACCOUNTS_A_TRANSACTION: Final = 200


def make(
    *,
    accounts: Sequence[UUID],
    client: int | None,
    batch_size: int,
    enough: Callable[[], bool],
    say: Callable[[str], object],
) -> int:
    """Make snapshots of these accounts, or of all of a client's customers; return how many.

    Each is as of the roll-up's mark. An account without new postings keeps the one it has.
    """
    made = 0
    for page in _pages(accounts, client, batch_size):
        made += run_retrying(
            lambda ids=page: _make(ids),  # type: ignore[misc]
            INTERACTIVE,
            operation="snapshot_balances",
        )
        say(f"{made} snapshots made")
        if enough():
            break
    return made


def _pages(
    accounts: Sequence[UUID], client: int | None, batch_size: int
) -> Iterator[list[Account]]:
    found = Account.objects.using(PRIMARY).filter(normal_side=NormalSide.CREDIT).order_by("pk")
    if accounts:
        yield list(found.filter(pk__in=accounts))
        return
    after = UUID(int=0)
    while True:
        page = list(found.filter(client=client, pk__gt=after)[:batch_size])
        if page:
            yield page
        if len(page) < batch_size:
            return
        after = page[-1].pk


def _make(page: Sequence[Account]) -> int:
    with transaction.atomic(using=PRIMARY):
        held = held_mark()
        while held is None:
            held = held_mark()
        due = {}
        for account in page:
            rows = Posting.objects.using(PRIMARY).filter(account_id=account.pk, id__lte=held.upto)
            # The newest posting is the first or nearly: no more than the tail is stepped over.
            last = rows.exclude(sequence=None).order_by("-sequence")
            sequence = last.values_list("sequence", flat=True).first()
            if sequence is not None:
                due[account.pk] = CustomersRange(account.client, account.currency, 1, sequence)
        return put_snapshots(due, held.upto, clock.now())
