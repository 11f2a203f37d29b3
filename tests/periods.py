"""Months of a client's books, closed without the minutes that it takes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from ledger import rolling, settled
from ledger.periods import adding, calendars, closing
from ledger.periods.models import Close, ClosingFigure
from tests.people import asks
from wallet_project.kit.audit import Actor
from wallets.identity import WalletIdentity
from wallets.operations.deposit import deposit

BY = Actor("staff:1", "fiona")
REASON = "the month is done"


def month_ago(months: int) -> date:
    """Return the first day of a month so many months back."""
    month = datetime.now(UTC).date().replace(day=1)
    for _ in range(months):
        month = (month - timedelta(days=1)).replace(day=1)
    return month


MONTH = month_ago(3)
"""The month that is closed in these stories."""
IN_IT = MONTH + timedelta(days=14)
NEXT = month_ago(2)


def roll() -> None:
    """Add everything there is to all sums over the books."""
    rolling.roll_up(upto=settled.end_of_books())
    adding.add()


def bar(client: int, month: date) -> None:
    """Begin to close a month."""
    closing.begin(client=client, month=month, by=BY, reason=REASON)


def close(client: int, month: date) -> Close:
    """Close a month that nothing is on its way to."""
    bar(client, month)
    return finish(client)


def finish(client: int) -> Close:
    """Finish closing, as if a minute had passed."""
    roll()
    return closing.finish(client, is_settled=lambda row: True)


def is_open(client: int, day: date) -> bool:
    """Tell whether a value date is taken."""
    barred = calendars.barred_through([client]).get(client)
    return barred is None or day > barred


def put(wallet: WalletIdentity, amount: int, day: date | None = IN_IT, **more: Any) -> UUID:
    """Pay so many minor units in, by default with a value date in the month."""
    request = asks(amount, wallet=wallet, value_date=day, **more)
    return deposit(wallet=wallet, request=request).transaction_id


def frozen(made: Close) -> dict[tuple[str, str], tuple[int, int, int, int, int]]:
    """Return what was frozen, by class of accounts and currency: opening, debits, credits,
    closing, postings."""
    rows = ClosingFigure.objects.filter(close=made)
    return {
        (row.account_class, row.currency): (
            row.opening,
            row.debits,
            row.credits,
            row.closing,
            row.postings,
        )
        for row in rows
    }
