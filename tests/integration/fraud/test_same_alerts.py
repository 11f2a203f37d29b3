"""What is read first, to spare the rest, costs no alert: whatever happens, in whatever batches."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from events.consumers.fraud import alerts, observing
from events.consumers.fraud.judging import Batch, Book
from events.consumers.fraud.models import FraudAlert, Kind
from events.consumers.fraud.observing import Totals, Window
from events.consumers.fraud.rules import Observed
from tests import databases
from wallet_project.kit.clock import now
from wallet_project.kit.ids import uuid7

CLIENT = 1
FACTS = 160


@dataclass
class World:
    """Six wallets of two currencies, and what happens to them."""

    dice: random.Random
    moment: datetime = field(default_factory=lambda: now() - timedelta(hours=3))
    facts: list[Observed] = field(default_factory=list)
    balances: dict[UUID, int] = field(default_factory=dict)
    currencies: dict[UUID, str] = field(default_factory=dict)

    def open(self, currency: str) -> None:
        wallet = uuid7()
        self.balances[wallet], self.currencies[wallet] = 0, currency
        self._tell(wallet, Kind.CREATED, 0)

    def go_on(self) -> None:
        """Let somebody deposit, withdraw or send."""
        self.moment += timedelta(seconds=self.dice.choice([0, 1, 5, 20, 90]))
        wallet = self.dice.choice(list(self.balances))
        has = self.balances[wallet]
        others = [one for one, of in self.currencies.items() if of == self.currencies[wallet]]
        amount = self.dice.choice([100, 700, 1_000, max(has, 1), has * 9 // 10 + 1])
        if amount > has:
            self._tell(wallet, Kind.DEPOSIT, amount)
        elif self.dice.random() < 0.4:
            self._tell(wallet, Kind.WITHDRAWAL, amount)
        else:
            entry = uuid7()
            self._tell(wallet, Kind.SENT, amount, entry)
            self._tell(
                self.dice.choice([o for o in others if o != wallet]), Kind.RECEIVED, amount, entry
            )

    def batches(self) -> Iterator[list[Observed]]:
        """Tell everything, each wallet's facts in order, in batches that mix wallets at will."""
        queues = [[one for one in self.facts if one.wallet == wallet] for wallet in self.balances]
        while any(queues):
            batch: list[Observed] = []
            size = self.dice.choice([1, 3, 10, 60])
            while len(batch) < size and any(queues):
                queue = self.dice.choice([one for one in queues if one])
                taken = self.dice.randint(1, 8)
                batch += queue[:taken]
                del queue[:taken]
            yield batch

    def _tell(self, wallet: UUID, kind: Kind, amount: int, entry: UUID | None = None) -> None:
        sign = -1 if kind in (Kind.WITHDRAWAL, Kind.SENT) else 1
        self.balances[wallet] += sign * amount
        self.facts.append(
            Observed(
                event=uuid7(),
                wallet=wallet,
                client=CLIENT,
                kind=kind,
                amount=amount,
                currency=self.currencies[wallet],
                balance=self.balances[wallet],
                transaction=entry,
                at=self.moment,
            )
        )


def _everything_may_be(wallets: Collection[UUID], window: Window) -> dict[UUID, Totals]:
    return {wallet: Totals(10**6, 10**6, 10**15, window.until) for wallet in wallets}


def _judge(batches: Sequence[Sequence[Observed]], *, plainly: bool) -> list[tuple[Any, ...]]:
    """Judge batches as the consumer does, or with everything looked at; forget it all again."""
    for facts in batches:
        with transaction.atomic():
            observing.take_turns({CLIENT})
            observing.store(facts)
            transfers, book = observing.pair(facts), Book()
            told = alerts.Told(facts, transfers, book)
            is_quiet = (lambda *_: False) if plainly else told.is_quiet
            alerts.raise_all(Batch(facts, transfers, book, is_quiet).judge(), told)
    rows = FraudAlert.objects.order_by("pk")
    found = list(rows.values_list("rule", "wallet", "trigger_id", "triggered_at", "evidence"))
    databases.empty_tables()
    return found


@pytest.mark.parametrize("seed", range(6))
def test_the_same_alerts_with_and_without_what_is_read_first(
    seed: int, rules: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    rules("RAPID_WITHDRAWALS", withdrawals=3, window_seconds=60)
    rules("RAPID_WITHDRAWALS", currency="JPY", withdrawals=2, window_seconds=300)
    rules("HIGH_VALUE", amount="30")
    rules("YOUNG_DRAIN", age_seconds=1800, received="10", percent=80)
    rules("MANY_TO_ONE", senders=2, window_seconds=120, amount="10")
    rules(
        "CIRCULAR_TRANSFERS",
        transfers_min=2,
        transfers_max=4,
        window_seconds=900,
        amount="7",
        percent=60,
    )
    world = World(random.Random(seed))
    for currency in ("USD", "USD", "USD", "USD", "JPY", "JPY"):
        world.open(currency)
    while len(world.facts) < FACTS:
        world.go_on()
    batches = list(world.batches())

    spared = _judge(batches, plainly=False)
    monkeypatch.setattr(observing, "totals", _everything_may_be)
    plain = _judge(batches, plainly=True)

    assert spared == plain
    assert {rule for rule, *_ in plain} >= {"RAPID_WITHDRAWALS", "YOUNG_DRAIN", "MANY_TO_ONE"}
