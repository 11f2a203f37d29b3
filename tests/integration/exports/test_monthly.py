"""Monthly statements: once for each wallet and month, when the month is over."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import connections

from ledger.periods import calendars
from tests.people import Company, fund, wallet_of
from wallet_project.kit.audit import Actor
from wallet_project.kit.clock import now
from wallet_project.kit.models import AuditRecord
from wallets.errors import ClientNotFound
from wallets.exports import monthly, worker
from wallets.exports.errors import MonthlyUnchanged
from wallets.exports.models import (
    ExportJob,
    ExportStatus,
    Format,
    IssuedStatement,
    MonthlyStatements,
)
from wallets.identity import WalletIdentity
from wallets.models import Wallet

STAFF = Actor("staff:1", "carol")


def switch(active: bool = True, client: str = "acme") -> None:
    monthly.switch(client=client, format_=Format.CSV, active=active, by=STAFF, reason="asked for")


def next_month(day: timedelta = timedelta(hours=2)) -> datetime:
    first = (now().date().replace(day=1) + timedelta(days=31)).replace(day=1)
    return datetime(first.year, first.month, first.day, tzinfo=UTC) + day


def at(moment: datetime) -> time_machine.travel:
    # The databases' own clocks go on as they do; what is read must be fresh by this one.
    return time_machine.travel(moment, tick=False)


@pytest.fixture
def people(client_acme: Company) -> list[WalletIdentity]:
    found = [wallet_of(client_acme, f"w{number}") for number in range(5)]
    for wallet in found[:4]:
        fund(wallet, 100)
    switch()
    return found


def test_each_wallet_has_one_when_the_month_is_over(
    people: list[WalletIdentity], charlie: WalletIdentity
) -> None:
    fund(charlie, 100)
    assert monthly.issue_due() == 0, "the month goes on"
    with at(next_month(timedelta(minutes=30))):
        assert monthly.issue_due() == 0, "it may not be settled"
    with at(next_month()):
        assert monthly.issue_due(batch_size=2) == 4
        assert monthly.issue_due() == 0
        worker.run(enough=lambda: False)
    found = list(ExportJob.objects.all())
    assert {job.wallet for job in found} == {wallet.id for wallet in people[:4]}
    assert {job.status for job in found} == {ExportStatus.DONE}
    assert all(job.for_client for job in found)
    rows = IssuedStatement.objects.all()
    assert {(row.since, row.before) for row in rows} == {
        (
            next_month(timedelta(0)).replace(month=now().month, year=now().year),
            next_month(timedelta(0)),
        )
    }


def test_a_run_that_was_killed_goes_on_and_asks_nobody_twice(
    people: list[WalletIdentity], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = monthly._ask
    asked: list[WalletIdentity] = []

    def dies(row: object, wallet: WalletIdentity) -> bool:
        if len(asked) == 3:
            raise KeyboardInterrupt
        asked.append(wallet)
        return ask(row, wallet)  # type: ignore[arg-type]

    with at(next_month()):
        monkeypatch.setattr(monthly, "_ask", dies)
        with pytest.raises(KeyboardInterrupt):
            monthly.issue_due(batch_size=2)
        monkeypatch.setattr(monthly, "_ask", ask)
        assert monthly.issue_due(batch_size=2) == 1
    assert ExportJob.objects.count() == 4


def test_two_at_once_ask_once(people: list[WalletIdentity]) -> None:
    start = threading.Barrier(3)

    def asks(_: int) -> int:
        start.wait()
        try:
            return monthly.issue_due(batch_size=2)
        finally:
            connections.close_all()

    with at(next_month()), ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(asks, range(3))) == 4
        assert monthly.issue_due() == 0
    assert ExportJob.objects.count() == 4


def test_starting_and_stopping_is_audited_and_done_once(client_acme: Company) -> None:
    switch()
    with pytest.raises(MonthlyUnchanged):
        switch()
    with pytest.raises(ClientNotFound):
        switch(client="nobody")
    switch(active=False)
    with pytest.raises(MonthlyUnchanged):
        switch(active=False)
    acts = AuditRecord.objects.filter(action__startswith="monthly.").order_by("pk")
    assert [(one.action, one.reason) for one in acts] == [
        ("monthly.start", "asked for"),
        ("monthly.stop", "asked for"),
    ]
    with at(next_month()):
        assert monthly.issue_due() == 0
    assert Wallet.objects.count() == ExportJob.objects.count() == 0


AUCKLAND, LOS_ANGELES = "Pacific/Auckland", "America/Los_Angeles"
YEAR = now().year + 1


def utc(month: int, day: int, hour: int) -> datetime:
    return datetime(YEAR, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "month", "since", "before"),
    [
        # East of UTC; the second month has the change of the clock on its first Sunday.
        (AUCKLAND, 3, utc(3, 1, 0) - timedelta(hours=13), utc(3, 31, 11)),
        (AUCKLAND, 4, utc(3, 31, 11), utc(4, 30, 12)),
        # West of it; the clock is changed within March.
        (LOS_ANGELES, 3, utc(3, 1, 8), utc(4, 1, 7)),
        (LOS_ANGELES, 4, utc(4, 1, 7), utc(5, 1, 7)),
    ],
)
def test_the_month_is_that_of_the_clients_time_zone(
    client_acme: Company,
    alice: WalletIdentity,
    zone: str,
    month: int,
    since: datetime,
    before: datetime,
) -> None:
    fund(alice, 100)
    set_zone(client_acme, zone)
    with at(since - timedelta(minutes=1)):
        switch()
        switch(active=False)
    with at(since + timedelta(minutes=1)):
        switch()
        assert MonthlyStatements.objects.get().month == date(YEAR, month, 1)
    with at(before + timedelta(minutes=59)):
        assert monthly.issue_due() == 0
    with at(before + timedelta(minutes=61)):
        assert monthly.issue_due() == 1
        assert monthly.issue_due() == 0
        worker.run(enough=lambda: False)

    job, issued = ExportJob.objects.get(), IssuedStatement.objects.get()

    assert (job.since, job.before) == (issued.since, issued.before) == (since, before)
    assert job.reason == f"monthly statement {YEAR}-{month:02}"


def test_statements_follow_each_other_when_the_time_zone_is_changed(
    client_acme: Company, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    fund(alice, 100)
    fund(bob, 100)
    set_zone(client_acme, AUCKLAND)
    with at(utc(3, 10, 0)):
        switch()
    with at(utc(3, 31, 13)):
        assert monthly.issue_due(enough=ends_after(1), batch_size=1) == 1
        set_zone(client_acme, LOS_ANGELES)
    with at(utc(4, 1, 9)):
        assert monthly.issue_due(batch_size=1) == 1, "the other one, with the same span"
    with at(utc(5, 1, 9)):
        assert monthly.issue_due() == 2
    spans = set(ExportJob.objects.values_list("since", "before"))
    first = (utc(3, 1, 0) - timedelta(hours=13), utc(3, 31, 11))
    assert spans == {first, (utc(3, 31, 11), utc(5, 1, 7))}


def set_zone(company: Company, name: str) -> None:
    calendars.set_time_zone(client=company.id, name=name, by=STAFF, reason="they are there")


def ends_after(times: int) -> Callable[[], bool]:
    left = iter([False] * times)
    return lambda: next(left, True)
