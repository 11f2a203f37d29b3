"""Books with accounts of every class, written to at any time, without the business above them."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import transaction

from ledger.models import Account, NormalSide
from ledger.posting import Entry, Line, post_entries
from wallet_project.kit.clock import now
from wallet_project.kit.ids import uuid7

CODES = (
    "{}:external:card:{}",
    "{}:external:bank:{}",
    "{}:payouts:bank:{}",
    "{}:fees:{}",
    "{}:suspense:{}",
    "{}:receivables:{}",
)
CURRENCIES = ("EUR", "USD")


@dataclass(frozen=True, slots=True)
class Moved:
    """A movement between a customer and a house account."""

    house: int
    """Which of `CODES`."""
    currency: str
    amount: int
    """Minor units; above zero: to the customer."""
    posted_at: datetime
    value_date: date


class Journal:
    """The books of one client."""

    def __init__(self, client: int, name: str) -> None:
        self.client = client
        self.houses: dict[tuple[int, str], UUID] = {}
        self.customers: dict[str, UUID] = {}
        self.moved: list[Moved] = []
        self._last: defaultdict[UUID, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for currency in CURRENCIES:
            for place, code in enumerate(CODES):
                account = self._open(code.format(name, currency), currency, NormalSide.DEBIT)
                self.houses[place, currency] = account
            customer = f"wallet:{name}:{currency}"
            self.customers[currency] = self._open(customer, currency, NormalSide.CREDIT)

    def code(self, house: int, currency: str) -> str:
        """Name a house account."""
        return str(Account.objects.get(pk=self.houses[house, currency]).code)

    def post(self, movements: list[Moved]) -> None:
        """Post movements."""
        entries = [self._entry(one) for one in movements]
        with transaction.atomic():
            post_entries(entries)
        self.moved += movements

    def _open(self, code: str, currency: str, side: str) -> UUID:
        made = Account.objects.create(
            id=uuid7(),
            code=code,
            client=self.client,
            currency=currency,
            normal_side=side,
            created_at=now(),
        )
        return UUID(str(made.pk))

    def _entry(self, one: Moved) -> Entry:
        customer = self.customers[one.currency]
        balance, sequence = self._last[customer]
        self._last[customer] = (balance + one.amount, sequence + 1)
        theirs = Line(
            customer,
            one.currency,
            one.amount,
            balance + one.amount,
            sequence + 1,
            sequence + 1,
        )
        ours = Line(self.houses[one.house, one.currency], one.currency, -one.amount)
        return Entry(
            id=uuid7(),
            kind="deposit",
            idempotency_key=os.urandom(32),
            request_hash=os.urandom(32),
            client=self.client,
            actor="key:test",
            reference="",
            channel="card",
            posted_at=one.posted_at,
            value_date=one.value_date,
            lines=(theirs, ours),
        )
