"""Days of time zones, with every oddity that clocks have had."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.periods import zones
from ledger.periods.errors import UnknownTimeZone

ODD = (
    "UTC",
    "Pacific/Auckland",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Havana",
    "Asia/Beirut",
    "America/Sao_Paulo",
    "Pacific/Apia",
)
QUARTER = timedelta(minutes=15)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Pacific/Auckland", date(2026, 9, 27), 23),
        ("Pacific/Auckland", date(2026, 4, 5), 25),
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Pacific/Apia", date(2011, 12, 30), 0),
    ],
)
def test_days_with_a_change_of_the_clock(zone: str, day: date, hours: float) -> None:
    (span,) = zones.spans(day, day, zones.zone_named(zone))
    assert span.end - span.start == timedelta(hours=hours)


def test_a_year_is_cut_at_its_changes_only() -> None:
    zone = zones.zone_named("Pacific/Auckland")
    found = list(zones.spans(date(2026, 1, 1), date(2026, 12, 31), zone))
    assert [(one.first, one.last) for one in found] == [
        (date(2026, 1, 1), date(2026, 4, 4)),
        (date(2026, 4, 5), date(2026, 4, 5)),
        (date(2026, 4, 6), date(2026, 9, 26)),
        (date(2026, 9, 27), date(2026, 9, 27)),
        (date(2026, 9, 28), date(2026, 12, 31)),
    ]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    zone=st.sampled_from(ODD),
    since=st.dates(date(1990, 1, 1), date(2030, 1, 1)),
    length=st.integers(0, 40),
    quarter=st.integers(0, 41 * 96),
)
def test_every_quarter_of_an_hour_is_in_the_span_of_its_day(
    zone: str, since: date, length: int, quarter: int
) -> None:
    info = zones.zone_named(zone)
    until = since + timedelta(days=length)
    found = list(zones.spans(since, until, info))
    assert found[0].start == zones.start_of(since, info)
    assert found[-1].end == zones.start_of(until + timedelta(days=1), info)
    assert all(one.end == after.start for one, after in itertools.pairwise(found))

    slot = zones.start_of(since, info) + QUARTER * quarter
    inside = [one for one in found if one.start <= slot < one.end]
    if slot >= found[-1].end:
        assert inside == []
        return
    (span,) = inside
    day = span.first if span.first == span.last else (slot + span.offset).date()
    assert day == zones.day_of(slot, info)


@pytest.mark.parametrize("name", ["Mars/Olympus", "../../etc/passwd", "/etc/passwd", "", "a\0b"])
def test_a_zone_that_there_is_not(name: str) -> None:
    with pytest.raises(UnknownTimeZone, match="There is no time zone"):
        zones.zone_named(name)
