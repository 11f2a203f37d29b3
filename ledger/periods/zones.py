"""Days of a time zone, as spans of UTC: without a database, without a clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ledger.periods.errors import UnknownTimeZone

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """Days in a row on which the clock is not changed, or one day on which it is."""

    first: date
    last: date
    start: datetime
    """When the first day begins, UTC."""
    end: datetime
    """When the last day has ended, UTC."""
    offset: timedelta
    """What is added to UTC to have the local time; of a day with a change: to have its date."""


def zone_named(name: str) -> ZoneInfo:
    """Find a time zone by its name, such as `Pacific/Auckland`.

    :raises UnknownTimeZone: if there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownTimeZone(
            f"There is no time zone {name!r}; name it as in Europe/Berlin.", field="time_zone"
        ) from None


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Tell when a day begins, UTC. Where midnight is skipped, it is the moment of the change."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """Tell the day that a moment belongs to."""
    return moment.astimezone(zone).date()


def spans(since: date, until: date, zone: ZoneInfo) -> Iterator[Span]:
    """Cut the days from `since` to `until`, both included, at changes of the clock."""
    open_span: Span | None = None
    day = since
    while day <= until:
        found = _span_of(day, zone)
        if open_span is not None and _continues(open_span, found):
            open_span = Span(open_span.first, day, open_span.start, found.end, open_span.offset)
        else:
            if open_span is not None:
                yield open_span
            open_span = found
        day += _DAY
    if open_span is not None:
        yield open_span


def _span_of(day: date, zone: ZoneInfo) -> Span:
    start, end = start_of(day, zone), start_of(day + _DAY, zone)
    midnight = datetime.combine(day, time(), UTC)
    return Span(day, day, start, end, midnight - start)


def _continues(before: Span, after: Span) -> bool:
    """Tell whether both are whole days of one offset."""
    lasted = (before.last - before.first + _DAY, after.end - after.start)
    whole = before.end - before.start == lasted[0] and lasted[1] == _DAY
    return whole and before.offset == after.offset
