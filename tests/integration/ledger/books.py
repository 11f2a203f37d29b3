"""Books written to without the business above them, and what a scan of them says."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from ledger import rolling, rollups, settled
from ledger.models import (
    Account,
    BalanceSnapshot,
    CustomersTotal,
    DayTotal,
    NormalSide,
    Posting,
)
from ledger.posting import Entry, Line, post_entries
from wallet_project.kit.ids import uuid7

CLIENTS = (1, 2)
CURRENCIES = ("EUR", "USD")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def roll(**more: Any) -> rolling.Rolled:
    """Add everything there is to the sums."""
    return rolling.roll_up(**{"upto": settled.end_of_books()} | more)


class Books:
    """Books of two clients in two currencies, written to without the business above them."""

    def __init__(self) -> None:
        self.house: dict[tuple[int, str], list[UUID]] = {}
        self.customers: dict[tuple[int, str], list[UUID]] = {}
        for place in [(client, currency) for client in CLIENTS for currency in CURRENCIES]:
            self.house[place] = [self._open(*place, NormalSide.DEBIT) for _ in range(2)]
            self.customers[place] = [self._open(*place, NormalSide.CREDIT) for _ in range(3)]
        self.last: defaultdict[UUID, tuple[int, int]] = defaultdict(lambda: (0, 0))

    def _open(self, client: int, currency: str, side: str) -> UUID:
        id_ = uuid7()
        Account.objects.create(
            id=id_,
            code=f"{side}:{id_}",
            client=client,
            currency=currency,
            normal_side=side,
            created_at=NOON,
        )
        return id_

    def post(self, movements: list[tuple[int, int, int, int, int]]) -> None:
        """Post movements: (client and currency, customer, house account, amount, day)."""
        entries = []
        for where, customer, house, amount, day in movements:
            place = sorted(self.house)[where]
            account = self.customers[place][customer]
            balance, sequence = self.last[account]
            self.last[account] = (balance + amount, sequence + 1)
            theirs = Line(account, place[1], amount, balance + amount, sequence + 1, sequence + 1)
            ours = Line(self.house[place][house], place[1], -amount)
            moment = NOON + timedelta(days=day)
            entries.append(
                Entry(
                    id=uuid7(),
                    kind="deposit",
                    idempotency_key=os.urandom(32),
                    request_hash=os.urandom(32),
                    client=place[0],
                    actor="key:test",
                    reference="",
                    channel="card",
                    posted_at=moment,
                    value_date=moment.date(),
                    lines=(theirs, ours),
                )
            )
        with transaction.atomic():
            post_entries(entries)


def scan() -> Iterator[tuple[Any, ...]]:
    """Read every posting: id, account, amount, sequence, time, client, currency, code."""
    return Posting.objects.values_list(
        "id",
        "account_id",
        "amount",
        "sequence",
        "posted_at",
        "account__client",
        "account__currency",
        "account__code",
    ).iterator()


def assert_sums_are_right() -> None:
    """Compare every table of sums with a scan up to the mark."""
    mark = rolling.mark().upto
    house: defaultdict[UUID, int] = defaultdict(int)
    days: defaultdict[tuple[UUID, date], list[int]] = defaultdict(lambda: [0, 0, 0])
    customers: defaultdict[tuple[int, str], int] = defaultdict(int)
    for id_, account, amount, sequence, posted_at, client, currency, _ in scan():
        if id_ > mark:
            continue
        if sequence is not None:
            customers[client, currency] += amount
            continue
        house[account] += amount
        day = days[account, posted_at.date()]
        day[amount > 0] += abs(amount)
        day[2] += 1
    snapshots = BalanceSnapshot.objects.filter(is_house=True)
    assert dict(snapshots.values_list("account_id", "balance")) == house
    found = {
        (row.account_id, row.day): [row.debits, row.credits, row.postings]
        for row in DayTotal.objects.all()
    }
    assert found == days
    totals = CustomersTotal.objects.values_list("client", "currency", "balance")
    assert {(client, currency): balance for client, currency, balance in totals} == customers
    for one in BalanceSnapshot.objects.filter(is_house=False):
        last = Posting.objects.get(account_id=one.account_id, sequence=one.sequence)
        assert (one.balance, one.upto >= last.id) == (last.balance_after, True)


def assert_reads_are_current() -> None:
    """Compare what readers are told with a scan of everything."""
    lines: defaultdict[tuple[int, str, str | None], int] = defaultdict(int)
    house: defaultdict[UUID, int] = defaultdict(int)
    for _, account, amount, sequence, _, client, currency, code in scan():
        lines[client, currency, None if sequence is not None else code] += amount
        if sequence is None:
            house[account] += amount
    told = rollups.trial_balance_now()
    assert {(line.client, line.currency, line.code): line.balance for line in told.lines} == lines
    assert {one.difference for one in told.by_currency()} <= {0}
    assert rollups.balances(list(house)) == house
