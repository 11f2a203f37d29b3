"""Movements that name no old value date pay nothing for closed months."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.people import asks
from tests.periods import month_ago
from wallets.chart import Kind
from wallets.identity import WalletIdentity
from wallets.operations import _movement
from wallets.operations._rails import command


@pytest.mark.parametrize(
    ("day", "looks"),
    [(None, 0), (datetime.now(UTC).date(), 0), (month_ago(0), 0), (month_ago(1), 1)],
    ids=["no date", "today", "first of this month", "an old one"],
)
def test_only_an_old_value_date_asks(alice: WalletIdentity, day: date | None, looks: int) -> None:
    made = [
        command(Kind.DEPOSIT, alice, asks(amount, wallet=alice, value_date=day))
        for amount in (1, 2, 3)
    ]
    with CaptureQueriesContext(connection) as queries:
        outcomes = _movement.attempt(made)
    assert all(outcome.error is None for outcome in outcomes)
    asked = [one["sql"] for one in queries if "periods_" in one["sql"]]
    assert len(asked) == looks
    assert all("periods_calendar" in sql for sql in asked)
