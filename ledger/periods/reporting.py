"""Reports as tables, the same for a page, a file and a command."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Any, Final, Protocol

from ledger import rollups
from ledger.periods import calendars, reports, sums
from ledger.periods.errors import ReportOutOfRange
from ledger.rollups import Line as Standing
from wallet_project.kit import clock
from wallet_project.kit.money import format_minor

VALUE: Final = "value"
POSTING: Final = "posting"
# What a spreadsheet takes for a formula when a cell begins with it.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class Writable(Protocol):
    """Where a file goes: an open file, or a command's output."""

    def write(self, text: str, /) -> object:
        """Write a piece."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose books, of which days, and which day counts."""

    client: int
    since: date
    until: date
    """Included."""
    basis: str = POSTING
    """`POSTING`: when it was posted, days of the client's zone; `VALUE`: the value date."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a report."""

    name: str
    """For programs, in camelCase."""
    title: str
    is_money: bool = False
    is_number: bool = False

    @property
    def is_right(self) -> bool:
        """Whether it stands at the right edge."""
        return self.is_money or self.is_number


@dataclass(frozen=True, slots=True)
class Table:
    """A report: rows of days, texts and numbers; amounts in minor units of the row's currency."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    totals: tuple[tuple[Any, ...], ...] = ()
    """Below the rows, a line or more for each currency."""
    zone: str = ""
    """In which its days begin; empty: days of value."""
    is_current: bool = True
    """False: the newest movements are missing, for the sums lag."""
    is_sound: bool = True
    """False: what has to be zero is not, or customers have more than there is."""

    def written(self, row: Sequence[Any]) -> list[str]:
        """Write a row as texts; amounts as decimals."""
        currency = row[[one.name for one in self.columns].index("currency")]
        return [
            format_minor(value, currency)
            if column.is_money and isinstance(value, int)
            else ""
            if value is None
            else str(value)
            for column, value in zip(self.columns, row, strict=True)
        ]

    def as_objects(self) -> list[dict[str, Any]]:
        """Return the rows for JSON: amounts are texts, counts are numbers."""
        return [
            {
                column.name: value if column.is_number else text
                for column, value, text in zip(self.columns, row, self.written(row), strict=True)
            }
            for row in self.rows
        ]

    def write_csv(self, file: Writable) -> None:
        """Write the rows for a spreadsheet that must not take a text for a formula."""
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow([column.name for column in self.columns])
        for row in self.rows:
            texts = self.written(row)
            writer.writerow(
                text if column.is_right else safe(text)
                for column, text in zip(self.columns, texts, strict=True)
            )


@dataclass(frozen=True, slots=True)
class Report:
    """A report by its name."""

    name: str
    title: str
    make: Callable[[Asked], Table]
    is_daily: bool = True
    """False: as of a day, its `until`."""
    hint: str = ""


def safe(text: str) -> str:
    """Write a text so that a spreadsheet takes it for one."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def check(asked: Asked) -> Asked:
    """Return what was asked, if it can be told.

    :raises ReportOutOfRange: if the days are in the wrong order or too many.
    """
    if asked.until < asked.since:
        raise ReportOutOfRange("The last day must not be before the first.")
    if asked.until - asked.since >= timedelta(days=sums.DAYS_MAX):
        raise ReportOutOfRange(f"A report has at most {sums.DAYS_MAX} days; choose fewer.")
    return asked


def _days(asked: Asked) -> sums.Days:
    check(asked)
    if asked.basis == VALUE:
        return sums.days_of_value(asked.client, asked.since, asked.until)
    zone = calendars.zone_of(asked.client)
    return sums.days_of_posting(asked.client, asked.since, asked.until, zone)


def _names(days: sums.Days) -> Mapping[sums.Line, str | None]:
    return sums.codes_of([*days.openings, *(line for day in days.days.values() for line in day)])


def _safeguarding(asked: Asked) -> Table:
    days = _days(asked)
    found = list(reports.safeguarding(days, _names(days)))
    return Table(
        columns=(
            Column("day", "Day"),
            Column("currency", "Currency"),
            Column("customers", "Customers", is_money=True),
            Column("rails", "At rails", is_money=True),
            Column("inTransit", "In transit", is_money=True),
            Column("difference", "Difference", is_money=True),
        ),
        rows=tuple(
            (one.day, one.currency, one.customers, one.rails, one.in_transit, one.difference)
            for one in found
        ),
        zone=days.zone,
        is_current=days.is_current,
        is_sound=all(one.difference >= 0 for one in found),
    )


def _channels(asked: Asked) -> Table:
    days = _days(asked)
    found = reports.by_channel(days, _names(days))
    return Table(
        columns=(
            Column("day", "Day"),
            Column("currency", "Currency"),
            Column("kind", "Kind"),
            Column("channel", "Channel"),
            Column("count", "Movements", is_number=True),
            Column("moneyIn", "In", is_money=True),
            Column("moneyOut", "Out", is_money=True),
        ),
        rows=tuple(
            (one.day, one.currency, one.group, one.name, one.count, one.money_in, one.money_out)
            for one in found
        ),
        totals=tuple(("Total", currency, "", "", *numbers) for currency, numbers in _totals(found)),
        zone=days.zone,
        is_current=days.is_current,
    )


def _fees(asked: Asked) -> Table:
    days = _days(asked)
    found = reports.fees(days, _names(days))
    return Table(
        columns=(
            Column("day", "Day"),
            Column("currency", "Currency"),
            Column("count", "Movements", is_number=True),
            Column("givenBack", "Given back", is_money=True),
            Column("taken", "Taken", is_money=True),
        ),
        rows=tuple(
            (one.day, one.currency, one.count, one.money_in, one.money_out) for one in found
        ),
        totals=tuple(("Total", currency, *numbers) for currency, numbers in _totals(found)),
        zone=days.zone,
        is_current=days.is_current,
    )


def _totals(flows: Iterable[reports.Flow]) -> Iterator[tuple[str, list[int]]]:
    found: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in flows:
        for place, number in enumerate((one.count, one.money_in, one.money_out)):
            found[one.currency][place] += number
    return iter(sorted(found.items()))


def _balance_sheet(asked: Asked) -> Table:
    lines, is_current = _standings(asked)
    sheets = reports.balance_sheet(lines)
    rows = []
    totals = []
    for sheet in sheets:
        for item in sheet.items:
            rows.append((item.side.value, item.title, "", sheet.currency, item.amount))
            if item.side is reports.Side.ASSETS:
                rows += [
                    (item.side.value, item.title, name, sheet.currency, amount)
                    for name, amount in item.accounts
                ]
        for side in reports.Side:
            totals.append((side.value, "Total", "", sheet.currency, sheet.total(side)))
        totals.append(("Difference", "", "", sheet.currency, sheet.difference))
    return Table(
        columns=(
            Column("side", "Side"),
            Column("item", "Item"),
            Column("account", "Account"),
            Column("currency", "Currency"),
            Column("amount", "Amount", is_money=True),
        ),
        rows=tuple(rows),
        totals=tuple(totals),
        zone="" if asked.basis == VALUE else "UTC",
        is_current=is_current,
        # Sums cut at a mark may have one line of an entry and not the other.
        is_sound=not is_current or all(sheet.difference == 0 for sheet in sheets),
    )


def _standings(asked: Asked) -> tuple[list[Standing], bool]:
    """Read balances at the end of the last day, by value date or by time of posting (UTC)."""
    if asked.basis == VALUE:
        found = sums.by_value_date(asked.client, asked.until)
        return reports.standings(found, sums.codes_of(found.lines)), found.is_current
    if asked.until >= clock.now().astimezone(UTC).date():
        now = rollups.trial_balance_now(asked.client)
        return list(now.lines), now.is_current
    posted = sums.posted_through(asked.client, asked.until)
    return reports.standings(posted, sums.codes_of(posted.lines)), posted.is_current


REPORTS: Final = {
    one.name: one
    for one in (
        Report(
            "balance-sheet",
            "Balance sheet",
            _balance_sheet,
            is_daily=False,
            hint="What there is, who it belongs to, and what was earned.",
        ),
        Report(
            "safeguarding",
            "Safeguarding",
            _safeguarding,
            hint="At the end of each day: what customers have, and what lies at rails and in "
            "transit for it. A difference below zero is an alarm.",
        ),
        Report(
            "channels",
            "Movements by channel",
            _channels,
            hint="What came in and went out by each payment rail, day by day.",
        ),
        Report("fees", "Fees", _fees, hint="What was taken as fees and given back, day by day."),
    )
}
