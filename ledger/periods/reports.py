"""Reports over the books: who owns what, where customers' money lies, what came by which rail.

Each is a function of sums that were read before; no report reads a posting.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from ledger.groups import CUSTOMERS, EXTERNAL, FEES, PAYOUTS, RECEIVABLES, SUSPENSE, group_of
from ledger.periods.sums import Days, Line, Period
from ledger.rollups import Line as Standing

_DAY: Final = timedelta(days=1)


class Side(StrEnum):
    """Where a class of accounts stands on the balance sheet."""

    ASSETS = "Assets"
    LIABILITIES = "Liabilities"
    INCOME = "Income"


SHEET: Final[dict[str, tuple[Side, str]]] = {
    EXTERNAL: (Side.ASSETS, "Payment rails"),
    PAYOUTS: (Side.ASSETS, "In transit"),
    RECEIVABLES: (Side.ASSETS, "Receivables"),
    CUSTOMERS: (Side.LIABILITIES, "Customers"),
    SUSPENSE: (Side.LIABILITIES, "Suspense"),
    FEES: (Side.INCOME, "Fees"),
}
_OTHER: Final = (Side.LIABILITIES, "Other")
_FEES: Final = frozenset({FEES})
_RAILS: Final = frozenset({EXTERNAL, PAYOUTS})


@dataclass(slots=True)
class Item:
    """A line of the balance sheet; minor units, positive on its side."""

    side: Side
    title: str
    amount: int = 0
    accounts: list[tuple[str, int]] = field(default_factory=list)
    """House accounts in it, by name."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The balance sheet of one currency; minor units."""

    currency: str
    items: tuple[Item, ...]

    def total(self, side: Side) -> int:
        """Sum a side."""
        return sum(item.amount for item in self.items if item.side is side)

    @property
    def difference(self) -> int:
        """Assets less liabilities and income: anything but 0 is an alarm."""
        return self.total(Side.ASSETS) - self.total(Side.LIABILITIES) - self.total(Side.INCOME)


@dataclass(frozen=True, slots=True)
class Guarded:
    """Customers' money at the end of a day, and what stands for it; minor units."""

    day: date
    currency: str
    customers: int
    rails: int
    in_transit: int

    @property
    def difference(self) -> int:
        """What rails and money in transit have more than customers; below 0 is an alarm."""
        return self.rails + self.in_transit - self.customers


@dataclass(frozen=True, slots=True, order=True)
class Flow:
    """What went through an account on a day; minor units, not negative."""

    day: date
    currency: str
    group: str
    name: str
    """The channel of a rail."""
    count: int
    money_in: int
    """Debits: what came in by a rail."""
    money_out: int


def standings(period: Period, codes: Mapping[Line, str | None]) -> list[Standing]:
    """Write what a period left as lines of the trial balance, by client, currency and code."""
    found = [
        Standing(line.client, line.currency, codes[line], passed.closing)
        for line, passed in period.lines.items()
    ]
    return sorted(found, key=lambda one: (one.client, one.currency, one.code or ""))


def balance_sheet(lines: Iterable[Standing]) -> list[Sheet]:
    """Put balances on their sides, by currency."""
    found: defaultdict[str, dict[str, Item]] = defaultdict(dict)
    for line in lines:
        group, name = group_of(line.code)
        side, title = SHEET.get(group, _OTHER)
        item = found[line.currency].setdefault(title, Item(side, title))
        amount = -line.balance if side is Side.ASSETS else line.balance
        item.amount += amount
        if line.code is not None:
            item.accounts.append((name, amount))
    titles = [title for _, title in (*SHEET.values(), _OTHER)]
    return [
        Sheet(currency, tuple(sorted(items.values(), key=lambda one: titles.index(one.title))))
        for currency, items in sorted(found.items())
    ]


def safeguarding(days: Days, codes: Mapping[Line, str | None]) -> Iterator[Guarded]:
    """Tell, at the end of each day, what customers have and what lies at rails and in transit."""
    standing: dict[Line, int] = dict(days.openings)
    day = days.since
    while day <= days.until:
        for line, passed in days.days.get(day, {}).items():
            standing[line] = standing.get(line, 0) + passed.net
        sums: defaultdict[tuple[str, str], int] = defaultdict(int)
        for line, balance in standing.items():
            sums[line.currency, group_of(codes[line])[0]] += balance
        for currency in sorted({line.currency for line in standing}):
            yield Guarded(
                day,
                currency,
                customers=sums[currency, CUSTOMERS],
                rails=-sums[currency, EXTERNAL],
                in_transit=-sums[currency, PAYOUTS],
            )
        day += _DAY


def by_channel(days: Days, codes: Mapping[Line, str | None]) -> list[Flow]:
    """Tell what came in and went out by each rail on each day."""
    return _flows(days, codes, _RAILS)


def fees(days: Days, codes: Mapping[Line, str | None]) -> list[Flow]:
    """Tell what was taken as fees on each day, which is what left for the fees' account, and what
    was given back, which is what came in from it."""
    return _flows(days, codes, _FEES)


def _flows(days: Days, codes: Mapping[Line, str | None], groups: frozenset[str]) -> list[Flow]:
    found = []
    for day, lines in days.days.items():
        for line, passed in lines.items():
            group, name = group_of(codes[line])
            if group in groups:
                found.append(
                    Flow(
                        day,
                        line.currency,
                        group,
                        name,
                        passed.postings,
                        passed.debits,
                        passed.credits,
                    )
                )
    return sorted(found)
