"""Reads of the books by value date, and by days of a time zone, without a scan of postings.

Sums behind the writers, and the postings since, read in one snapshot. Where these are too many,
the sums are told as they are, with the posting up to which they go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import DateTimeField, ExpressionWrapper, F, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from ledger.models import Account
from ledger.periods import adding, zones
from ledger.periods.adding import CUSTOMERS, Movement, Turnover
from ledger.periods.models import DaySum, QuarterSum
from ledger.settled import end_of_books
from wallet_project.kit.database import PRIMARY, snapshot
from wallet_project.kit.fields import WideIntegerField

TAIL_MAX: Final = 50_000
"""So many postings a reader adds to the sums himself."""
DAYS_MAX: Final = 366
_WIDE: Final = WideIntegerField()


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """A house account, or all customers of a client in a currency."""

    client: int
    currency: str
    account: UUID
    """`CUSTOMERS` for customers."""


@dataclass(slots=True)
class Passed:
    """A line's balance before the first day, and what went through it since; minor units."""

    opening: int = 0
    """Credit positive."""
    during: Turnover = field(default_factory=Turnover)

    @property
    def closing(self) -> int:
        """The balance after the last day, credit positive."""
        return self.opening + self.during.net


@dataclass(slots=True)
class Period:
    """What went through each line in some days, all of it together."""

    upto: int
    """Every posting up to this one is in it."""
    is_current: bool
    """Whether it has all postings there are."""
    lines: dict[Line, Passed] = field(default_factory=dict)

    def at(self, line: Line) -> Passed:
        """Return what is known of a line."""
        return self.lines.setdefault(line, Passed())


@dataclass(slots=True)
class Days:
    """What went through each line of a client by day."""

    since: date
    until: date
    zone: str
    """In which the days begin; empty for days of value."""
    upto: int
    is_current: bool
    openings: dict[Line, int] = field(default_factory=dict)
    """Balances before the first day, credit positive."""
    days: dict[date, dict[Line, Turnover]] = field(default_factory=dict)

    def at(self, day: date, line: Line) -> Turnover:
        """Return what is known of a line on a day."""
        return self.days.setdefault(day, {}).setdefault(line, Turnover())

    def open_with(self, line: Line, amount: int) -> None:
        """Add to the balance before the first day."""
        self.openings[line] = self.openings.get(line, 0) + amount


def by_value_date(
    client: int | None, until: date, *, since: date | None = None, with_tail: bool = True
) -> Period:
    """Sum what has a value date up to `until`: what comes before `since` is the opening."""
    with snapshot():
        tail, found = _begin(with_tail)
        rows = DaySum.objects.using(PRIMARY).filter(valued_on__lte=until)
        if client is not None:
            rows = rows.filter(client=client)
        in_it = Q() if since is None else Q(valued_on__gte=since)
        sums = (
            rows.order_by()
            .values("client", "currency", "account")
            .annotate(
                came=Sum("debits", filter=in_it, default=0, output_field=_WIDE),
                went=Sum("credits", filter=in_it, default=0, output_field=_WIDE),
                number=Sum("postings", filter=in_it, default=0, output_field=_WIDE),
                net=Sum(F("credits") - F("debits"), output_field=_WIDE),
            )
        )
        for row in sums:
            passed = found.at(Line(row["client"], row["currency"], row["account"]))
            passed.during.add_all(row["came"], row["went"], row["number"])
            passed.opening += row["net"] - row["went"] + row["came"]
    for one in tail:
        if one.valued_on > until or client not in (None, one.client):
            continue
        passed = found.at(_line(one))
        if since is not None and one.valued_on < since:
            passed.opening += one.amount
        else:
            passed.during.add(one.amount)
    return found


def posted_through(client: int, until: date) -> Period:
    """Sum what was posted up to the end of a day, UTC."""
    with snapshot():
        tail, found = _begin()
        rows = DaySum.objects.using(PRIMARY).filter(client=client, posted_on__lte=until).order_by()
        for row in _turnover(rows):
            passed = found.at(Line(client, row["currency"], row["account"]))
            passed.during.add_all(row["came"], row["went"], row["number"])
    for one in tail:
        if one.client == client and one.posted_at.date() <= until:
            found.at(_line(one)).during.add(one.amount)
    return found


def days_of_value(client: int, since: date, until: date) -> Days:
    """Sum a client's movements by value date, day by day."""
    with snapshot():
        tail, place = _begin()
        found = Days(since, until, "", place.upto, place.is_current)
        rows = DaySum.objects.using(PRIMARY).filter(client=client).order_by()
        _open(found, rows.filter(valued_on__lt=since))
        grouped = rows.filter(valued_on__gte=since, valued_on__lte=until)
        for row in _turnover(grouped, "valued_on"):
            _add(found, row["valued_on"], client, row)
    _add_tail(found, client, ((one.valued_on, one) for one in tail))
    return found


def days_of_posting(client: int, since: date, until: date, zone: ZoneInfo) -> Days:
    """Sum a client's movements by the time of posting, day by day of a time zone."""
    with snapshot():
        tail, place = _begin()
        found = Days(since, until, zone.key, place.upto, place.is_current)
        start = zones.start_of(since, zone)
        midnight = datetime.combine(start.date(), time(), UTC)
        days = DaySum.objects.using(PRIMARY).filter(client=client).order_by()
        quarters = QuarterSum.objects.using(PRIMARY).filter(client=client).order_by()
        _open(found, days.filter(posted_on__lt=start.date()))
        _open(found, quarters.filter(slot__gte=midnight, slot__lt=start))
        for span in zones.spans(since, until, zone):
            for day, row in _of_span(quarters, span):
                _add(found, day, client, row)
    _add_tail(found, client, ((zones.day_of(one.posted_at, zone), one) for one in tail))
    return found


def codes_of(lines: Iterable[Line]) -> dict[Line, str | None]:
    """Name house accounts by their codes; customers have none."""
    wanted = set(lines)
    accounts = Account.objects.using(PRIMARY).filter(
        pk__in=[line.account for line in wanted if line.account != CUSTOMERS]
    )
    codes = dict(accounts.values_list("pk", "code"))
    return {line: codes.get(line.account) for line in wanted}


def _begin(with_tail: bool = True) -> tuple[list[Movement], Period]:
    """Read how far the sums go, and what came since; first thing in a snapshot."""
    place = adding.upto()
    end = end_of_books()
    if not with_tail or end - place > TAIL_MAX:
        return [], Period(place, end <= place)
    return adding.read(place, None, TAIL_MAX), Period(max(place, end), is_current=True)


def _turnover(rows: QuerySet[Any], *by: str) -> QuerySet[Any, Any]:
    found: QuerySet[Any, Any] = rows.values(*by, "account", "currency").annotate(
        came=Sum("debits", output_field=_WIDE),
        went=Sum("credits", output_field=_WIDE),
        number=Sum("postings", output_field=_WIDE),
    )
    return found


def _open(found: Days, rows: QuerySet[Any]) -> None:
    nets = rows.values("client", "account", "currency").annotate(
        net=Sum(F("credits") - F("debits"), output_field=_WIDE)
    )
    for row in nets:
        found.open_with(Line(row["client"], row["currency"], row["account"]), row["net"])


def _of_span(quarters: QuerySet[Any], span: zones.Span) -> Iterator[tuple[date, dict[str, Any]]]:
    rows = quarters.filter(slot__gte=span.start, slot__lt=span.end)
    if span.first == span.last:
        for row in _turnover(rows):
            yield span.first, row
        return
    local: Any = F("slot")
    if span.offset != timedelta():
        local = ExpressionWrapper(F("slot") + span.offset, output_field=DateTimeField())
    for row in _turnover(rows.annotate(day=TruncDate(local, tzinfo=UTC)), "day"):
        yield row["day"], row


def _add(found: Days, day: date, client: int, row: dict[str, Any]) -> None:
    sums = found.at(day, Line(client, row["currency"], row["account"]))
    sums.add_all(row["came"], row["went"], row["number"])


def _add_tail(found: Days, client: int, tail: Iterable[tuple[date, Movement]]) -> None:
    for day, one in tail:
        if one.client != client or day > found.until:
            continue
        if day < found.since:
            found.open_with(_line(one), one.amount)
        else:
            found.at(day, _line(one)).add(one.amount)


def _line(one: Movement) -> Line:
    return Line(one.client, one.currency, one.account)
