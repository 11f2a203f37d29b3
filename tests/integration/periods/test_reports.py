"""Reports say what a scan of the books says, and add up to each other."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.models import Account
from ledger.periods import reporting, reports, sums
from ledger.periods.calendars import set_time_zone
from ledger.periods.reporting import POSTING, REPORTS, VALUE, Asked
from tests.acting import audited
from tests.integration.periods.journal import CODES, CURRENCIES, Journal, Moved
from tests.people import Company
from tests.periods import BY, roll
from tests.staff import member
from wallet_project.kit.ids import uuid7

ZONES = ("UTC", "Pacific/Auckland", "America/New_York", "Asia/Kathmandu")
FIRST = date(2026, 3, 1)
# New York's and Auckland's changes of the clock lie in it.
LAST = date(2026, 4, 10)

movements = st.builds(
    Moved,
    house=st.integers(0, len(CODES) - 1),
    currency=st.sampled_from(CURRENCIES),
    amount=st.integers(-5_000, 5_000).filter(bool),
    posted_at=st.integers(0, 60 * 86_400).map(
        lambda seconds: datetime(2026, 2, 20, tzinfo=UTC) + timedelta(seconds=seconds)
    ),
    value_date=st.dates(date(2026, 2, 1), date(2026, 4, 30)),
)
GIVEN = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def journal(client_acme: Company) -> Journal:
    return Journal(client_acme.id, "acme")


@GIVEN
@given(
    before=st.lists(movements, max_size=12),
    after=st.lists(movements, max_size=6),
    zone=st.sampled_from(ZONES),
)
def test_days_are_those_of_the_zone(
    journal: Journal, before: list[Moved], after: list[Moved], zone: str
) -> None:
    journal.post(before)
    roll()
    journal.post(after)
    info = ZoneInfo(zone)
    found = sums.days_of_posting(journal.client, FIRST, LAST, info)
    days = {id(one): one.posted_at.astimezone(info).date() for one in journal.moved}
    _compare(journal, found, lambda one: days[id(one)])


@GIVEN
@given(before=st.lists(movements, max_size=12), after=st.lists(movements, max_size=6))
def test_days_of_value_are_those_of_the_entries(
    journal: Journal, before: list[Moved], after: list[Moved]
) -> None:
    journal.post(before)
    roll()
    journal.post(after)
    found = sums.days_of_value(journal.client, FIRST, LAST)
    _compare(journal, found, lambda one: one.value_date)


def _compare(journal: Journal, found: sums.Days, day_of: Any) -> None:
    """Hold the turnover of each house account against what was posted."""
    houses = {account: key for key, account in journal.houses.items()}
    told = {
        (day, *houses[line.account]): (passed.debits, passed.credits, passed.postings)
        for day, lines in found.days.items()
        for line, passed in lines.items()
        if line.account in houses
    }
    openings = {
        houses[line.account]: amount
        for line, amount in found.openings.items()
        if line.account in houses and amount
    }
    wanted: defaultdict[tuple[date, int, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    opened: defaultdict[tuple[int, str], int] = defaultdict(int)
    for one in journal.moved:
        day = day_of(one)
        if day < FIRST:
            opened[one.house, one.currency] -= one.amount
        elif day <= LAST:
            numbers = wanted[day, one.house, one.currency]
            numbers[0 if one.amount > 0 else 1] += abs(one.amount)
            numbers[2] += 1
    assert told == {key: tuple(numbers) for key, numbers in wanted.items()}
    assert openings == {key: amount for key, amount in opened.items() if amount}


@GIVEN
@given(moved=st.lists(movements, max_size=20), basis=st.sampled_from([POSTING, VALUE]))
def test_reports_add_up_to_each_other(journal: Journal, moved: list[Moved], basis: str) -> None:
    journal.post(moved)
    roll()
    until = date(2026, 4, 10)
    asked = Asked(journal.client, date(2026, 1, 1), until, basis)

    sheet = REPORTS["balance-sheet"].make(asked)
    assert sheet.is_sound
    items = {(row[1], row[3]): row[4] for row in sheet.rows if not row[2]}
    guarded = {row[1]: row for row in REPORTS["safeguarding"].make(asked).rows if row[0] == until}
    flows = REPORTS["channels"].make(asked)
    fees = REPORTS["fees"].make(asked)
    nets: defaultdict[tuple[str, str], int] = defaultdict(int)
    for _, currency, kind, _, _, came, went in flows.rows:
        nets[kind, currency] += came - went
    for currency in CURRENCIES:
        rails = items.get(("Payment rails", currency), 0)
        in_transit = items.get(("In transit", currency), 0)
        customers = items.get(("Customers", currency), 0)
        assert nets["External", currency] == rails
        assert nets["Payouts", currency] == in_transit
        taken = sum(row[4] - row[3] for row in fees.rows if row[1] == currency)
        assert taken == items.get(("Fees", currency), 0)
        if currency in guarded:
            assert guarded[currency][2:5] == (customers, rails, in_transit)
    counted = [
        one
        for one in journal.moved
        if one.house < 3 and until >= (one.posted_at.date() if basis == POSTING else one.value_date)
    ]
    assert sum(row[4] for row in flows.rows) == len(counted)
    assert sum(row[5] - row[6] for row in flows.rows) == sum(one.amount for one in counted)


def _moved(house: int, amount: int, moment: str, value: str = "2026-03-20") -> Moved:
    posted = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    return Moved(house, "USD", amount, posted, date.fromisoformat(value))


def test_a_day_in_auckland_begins_at_its_own_midnight(journal: Journal) -> None:
    """On 5 April 2026 clocks go back: the day has 25 hours, from 11:00 to 12:00 UTC."""
    journal.post(
        [
            _moved(0, 1, "2026-04-04T10:59:59.999999"),
            _moved(0, 20, "2026-04-04T11:00:00"),
            _moved(0, 300, "2026-04-05T11:59:59.999999"),
            _moved(0, 4_000, "2026-04-05T12:00:00"),
        ]
    )
    set_time_zone(client=journal.client, name="Pacific/Auckland", by=BY, reason="their office")
    for rolled in (False, True):
        if rolled:
            roll()
        asked = Asked(journal.client, date(2026, 4, 4), date(2026, 4, 6))
        table = REPORTS["channels"].make(asked)
        assert table.zone == "Pacific/Auckland"
        assert [(row[0].day, row[5]) for row in table.rows] == [(4, 1), (5, 320), (6, 4_000)]


def test_a_day_in_new_york_with_23_hours(journal: Journal) -> None:
    """On 8 March 2026 clocks go forward: from 05:00 to 04:00 UTC."""
    journal.post(
        [
            _moved(1, 1, "2026-03-08T04:59:59"),
            _moved(1, 20, "2026-03-08T05:00:00"),
            _moved(1, 300, "2026-03-09T03:59:59"),
            _moved(1, 4_000, "2026-03-09T04:00:00"),
        ]
    )
    set_time_zone(client=journal.client, name="America/New_York", by=BY, reason="their office")
    roll()
    table = REPORTS["channels"].make(Asked(journal.client, date(2026, 3, 7), date(2026, 3, 9)))
    assert [(row[0].day, row[5]) for row in table.rows] == [(7, 1), (8, 320), (9, 4_000)]


def test_less_than_customers_have_is_an_alarm(journal: Journal) -> None:
    journal.post([_moved(0, 500, "2026-03-05T10:00:00"), _moved(5, 100, "2026-03-06T10:00:00")])
    asked = Asked(journal.client, date(2026, 3, 5), date(2026, 3, 6))
    table = REPORTS["safeguarding"].make(asked)
    assert [row[2:] for row in table.rows] == [(500, 500, 0, 0), (600, 500, 0, -100)]
    assert not table.is_sound


def test_too_many_postings_behind_the_sums_are_told(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.post([_moved(0, 500, "2026-03-05T10:00:00")])
    roll()
    journal.post([_moved(0, 1, "2026-03-05T11:00:00"), _moved(0, 2, "2026-03-05T12:00:00")])
    monkeypatch.setattr(sums, "TAIL_MAX", 3)
    table = REPORTS["channels"].make(Asked(journal.client, date(2026, 3, 5), date(2026, 3, 5)))
    assert not table.is_current
    assert [row[5] for row in table.rows] == [500]


def _browser() -> Client:
    return member("vera", "ledger.view_account")


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_a_page_a_file_and_a_command(journal: Journal, name: str) -> None:
    journal.post([_moved(0, 12_345, "2026-03-05T10:00:00"), _moved(3, -45, "2026-03-05T11:00:00")])
    roll()
    url = reverse(f"admin:ledger_account_{name.replace('-', '_')}")
    asked: dict[str, Any] = {
        "client": journal.client,
        "since": "2026-03-05",
        "until": "2026-03-05",
    }
    browser = _browser()
    for basis in (POSTING, VALUE):
        until = "2026-03-05" if basis == POSTING else "2026-03-20"
        sent = asked | {"basis": basis, "until": until}
        page = browser.get(url, sent)
        assert page.status_code == 200
        text = page.content.decode()
        assert "0.45" in text if name == "fees" else "123.45" in text
        file = browser.get(url, sent | {"format": "csv"})
        lines = list(csv.DictReader(io.StringIO(file.content.decode())))
        made = io.StringIO()
        days = ("--from", "2026-03-05", "--to", until)
        call_command("report", name, "--client=acme", *days, "--by", basis, "--json", stdout=made)
        told = json.loads(made.getvalue())["rows"]
        assert [{key: str(value) for key, value in row.items()} for row in told] == lines
        assert lines
    assert browser.get(url).status_code == 200
    assert browser.get(url, {"client": "acme"}).status_code == 200
    assert browser.get(url, {"client": "nobody-of-this-name"}).status_code == 422
    assert browser.get(url, asked | {"until": "2026-02-30"}).status_code == 422
    assert browser.get(url, asked | {"until": "2026-01-30"}).status_code == (
        200 if name == "balance-sheet" else 422
    )
    assert browser.post(url, asked).status_code == 403
    assert member("nobody").get(url, asked).status_code == 403
    assert len([one for one in audited() if one[0] == f"account.{name.replace('-', '_')}"]) >= 4


def test_a_file_has_no_formulas(journal: Journal) -> None:
    Account.objects.create(
        id=uuid7(),
        code="=cmd|' /C calc'!A0",
        client=journal.client,
        currency="USD",
        normal_side="debit",
        created_at=datetime.now(UTC),
    )
    assert reporting.safe("=1+1") == "'=1+1"
    table = reporting.Table(
        (reporting.Column("channel", "Channel"), reporting.Column("currency", "Currency")),
        (("@SUM(A1)", "USD"),),
    )
    file = io.StringIO()
    table.write_csv(file)
    assert "'@SUM(A1)" in file.getvalue()


def test_the_trial_balance_by_value_date(journal: Journal) -> None:
    journal.post(
        [
            _moved(0, 12_345, "2026-03-05T10:00:00", "2026-02-28"),
            _moved(0, 1_000, "2026-03-05T11:00:00", "2026-03-05"),
        ]
    )
    roll()
    browser = _browser()
    url = reverse("admin:ledger_account_trial_balance")
    asked: dict[str, Any] = {"client": journal.client, "at": "2026-02-28", "basis": "value"}
    text = browser.get(url, asked).content.decode()
    assert "123.45" in text
    assert "133.45" not in text
    assert "value date 2026-02-28" in text
    made = io.StringIO()
    call_command("trial_balance", "--client=acme", "--value-date=2026-02-28", "--json", stdout=made)
    (told,) = json.loads(made.getvalue())
    assert told["currencies"][0]["debit"] == told["currencies"][0]["credit"] == "123.45"
    with pytest.raises(CommandError, match="Choose one"):
        call_command("trial_balance", "--at=2026-02-28", "--value-date=2026-02-28")


def test_sums_by_value_date_are_made_once_and_can_be_made_anew(journal: Journal) -> None:
    from ledger.periods import adding
    from ledger.periods.models import DaySum, QuarterSum

    journal.post(
        [_moved(n % 6, 10 + n, f"2026-03-{5 + n % 9:02d}T10:{n:02d}:00") for n in range(40)]
    )
    roll()
    columns = ("posted_on", "valued_on", "account", "currency", "debits", "credits", "postings")
    days = sorted(DaySum.objects.values_list(*columns))
    assert adding.add(batch_size=7) == adding.upto()
    assert sorted(DaySum.objects.values_list(*columns)) == days
    adding.forget_sums()
    assert not QuarterSum.objects.exists()
    adding.add(batch_size=7)
    assert sorted(DaySum.objects.values_list(*columns)) == days


def test_the_sheet_names_every_class_of_accounts() -> None:
    from ledger import groups

    named = {groups.group_of(code.format("acme", "USD"))[0] for code in CODES}
    assert named | {groups.CUSTOMERS} == set(reports.SHEET)
