"""A client's books in one list: the trial balance, now or at any past moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from ledger import queries as books
from ledger.periods import reports, sums
from ledger.periods.errors import SumsBehind
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


def trial_balance_by_value(client: int, day: date) -> TrialBalanceView:
    """Sum what has a value date up to a day, from sums that are made behind the writers.

    :raises SumsBehind: if these lag more than a reader can add.
    """
    present = primary_clock()
    found = sums.by_value_date(client, day)
    if not found.is_current:
        raise SumsBehind("Sums by value date lie behind; run snapshot_balances, then try again.")
    lines = reports.standings(found, sums.codes_of(found.lines))
    return _view(present, [(line.currency, line.balance, line.code) for line in lines])


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
    return _view(as_of, [(line.currency, line.total, line.code) for line in lines])


def _view(as_of: datetime, lines: Iterable[tuple[str, int, str | None]]) -> TrialBalanceView:
    sides: dict[str, CurrencyTotals] = {}
    accounts = []
    for currency, total, code in lines:
        side = sides.setdefault(currency, CurrencyTotals(currency))
        side.credit += max(total, 0)
        side.debit += max(-total, 0)
        accounts.append(AccountBalance(code or wallets_code(currency), currency, total))
    return TrialBalanceView(as_of, tuple(sides.values()), tuple(accounts))
