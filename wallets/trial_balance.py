"""A client's books in one list: the trial balance, now or at any past moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger import queries as books
from wallet_project.kit import clock
from wallet_project.kit.database import snapshot
from wallets import errors
from wallets.chart import wallets_code
from wallets.sources import primary_clock


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """A line of the trial balance; minor units, credit positive."""

    code: str
    currency: str
    balance: int


@dataclass(slots=True)
class CurrencyTotals:
    """Both sides of the trial balance in one currency; minor units."""

    currency: str
    debit: int = 0
    credit: int = 0


@dataclass(frozen=True, slots=True)
class TrialBalanceView:
    """All balances of a client's books in one list."""

    as_of: datetime
    currencies: tuple[CurrencyTotals, ...]
    accounts: tuple[AccountBalance, ...]


def trial_balance(client: int, moment: datetime | None) -> TrialBalanceView:
    """Sum a client's books up to and at a moment, or up to now, as they stand in one snapshot.

    :raises TimestampInFuture: for a moment that the primary's clock has not reached.
    """
    present = primary_clock()
    if moment is not None and moment > present:
        raise errors.TimestampInFuture(
            f"asOf must not be later than now, {clock.rfc3339(present)}.", field="asOf"
        )
    as_of = moment or present
    with snapshot():
        lines = books.totals(client, as_of)
    sides: dict[str, CurrencyTotals] = {}
    for line in lines:
        side = sides.setdefault(line.currency, CurrencyTotals(line.currency))
        side.credit += max(line.total, 0)
        side.debit += max(-line.total, 0)
    accounts = [
        AccountBalance(line.code or wallets_code(line.currency), line.currency, line.total)
        for line in lines
    ]
    return TrialBalanceView(as_of, tuple(sides.values()), tuple(accounts))
