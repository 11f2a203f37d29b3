"""What happened in a made-up year: pure, and the same for the same seed.

A company has customers and shops. Customers pay in, buy, send each other money, set some aside for
a hotel and take some out; shops give money back and are paid out.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from itertools import pairwise
from typing import Final

from wallet_project.kit.money import exponent_of


class Verb(Enum):
    """What somebody does."""

    DEPOSIT = auto()
    WITHDRAW = auto()
    TRANSFER = auto()
    HOLD = auto()
    CAPTURE = auto()
    VOID = auto()
    PAYOUT = auto()


@dataclass(frozen=True, slots=True)
class Person:
    """A wallet and whose it is."""

    reference: str
    user_id: str
    currency: str
    is_shop: bool
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that somebody asks for."""

    number: int
    verb: Verb
    wallet: Person
    amount: int
    """Minor units."""
    channel: str = "default"
    description: str = ""
    reference: str = ""
    other: Person | None = None
    hold: int = 0
    """The number of the act that made the hold, where this one ends it."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Acts of one moment; those of a moment are executed in one list."""

    at: datetime
    opened: tuple[Person, ...] = ()
    acts: tuple[Act, ...] = ()
    frozen: Person | None = None


_CURRENCIES: Final = ("USD", "EUR", "USD", "JPY", "USD", "KWD", "EUR", "USD", "USD", "EUR")
"""Of each shop and its customers in turn."""
_UNITS: Final = {"USD": 1, "EUR": 1, "JPY": 150, "KWD": 1}
"""What a small amount is in whole units, so that a coffee costs about as much everywhere."""
_RAILS_IN: Final = {
    "USD": ("card", "ach", "wire"),
    "EUR": ("card", "sepa"),
    "JPY": ("card", "zengin"),
    "KWD": ("card", "wire"),
}
_GOODS: Final = ("groceries", "books", "shoes", "a train ticket", "a bicycle", "a subscription")
_HOURS: Final = (7, 9, 10, 12, 13, 15, 17, 18, 20, 22)
_KEPT_FOR_BURSTS: Final = timedelta(days=3)


@dataclass
class _Open:
    number: int
    wallet: Person
    amount: int
    ends_at: datetime


@dataclass
class Story:
    """The year that ends at a moment."""

    seed: int
    days: int
    wallets: int
    ends_at: datetime
    movements_a_wallet: int = 100
    _number: int = 0
    _money: dict[str, int] = field(default_factory=dict)
    _holds: list[_Open] = field(default_factory=list)
    _bought: list[Act] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - a story, not a secret
        self.people = self._make_people()

    def moments(self) -> Iterator[Moment]:
        """Tell everything in order."""
        begins_at = self.ends_at - timedelta(days=self.days)
        unborn = list(self.people)
        born: list[Person] = []
        slots = max(1, self.days * len(_HOURS))
        # Wallets are open for two thirds of the time on average.
        mean = self.wallets * self.movements_a_wallet * 3 // (2 * slots)
        for slot in range(slots):
            at = self._time(begins_at, slot)
            opened = tuple(one for one in unborn if one.opened_at <= at)
            unborn = unborn[len(opened) :]
            born += opened
            count = mean * len(born) // self.wallets + self._random.randint(0, 2)
            acts = [*self._welcome(opened), *self._ending(at)]
            acts += [act for _ in range(count) if (act := self._any(born, at)) is not None]
            yield Moment(at, opened, tuple(acts))
        yield from self._last_days(born)

    def _make_people(self) -> list[Person]:
        begins_at = self.ends_at - timedelta(days=self.days)
        made = []
        for number in range(1, self.wallets + 1):
            is_shop = number % 8 == 1
            # The first quarter is there from the start; growth ends a month before the story.
            share = max(0, number - self.wallets // 4)
            minutes = self.days * 24 * 60 * share * 9 // (max(1, self.wallets) * 10)
            kind = "shop" if is_shop else "customer"
            made.append(
                Person(
                    reference=f"{kind}-{number:04d}",
                    user_id=f"{kind}-{number:04d}-user",
                    currency=_CURRENCIES[(number - 1) // 8 % len(_CURRENCIES)],
                    is_shop=is_shop,
                    opened_at=begins_at + timedelta(minutes=minutes),
                )
            )
        return made

    def _time(self, begins_at: datetime, slot: int) -> datetime:
        day, hour = divmod(slot, len(_HOURS))
        midnight = begins_at.replace(hour=0, minute=0, second=0, microsecond=0)
        at = midnight + timedelta(days=day + 1, hours=_HOURS[hour])
        within = timedelta(seconds=self._random.randint(0, 3_400))
        # The last day may not reach beyond the end.
        return min(at + within, self.ends_at - timedelta(hours=2) + timedelta(seconds=slot % 600))

    def _welcome(self, opened: tuple[Person, ...]) -> list[Act]:
        """Let everybody begin with some money."""
        return [
            self._act(Verb.DEPOSIT, one, self._amount(one, 200, 900), "card", "First deposit")
            for one in opened
        ]

    def _any(self, born: list[Person], at: datetime) -> Act | None:
        who = self._random.choice(born)
        if who.is_shop:
            return self._of_shop(who)
        chance = self._random.randint(1, 100)
        if chance <= 30:
            rail = self._random.choice(_RAILS_IN[who.currency])
            return self._act(Verb.DEPOSIT, who, self._amount(who, 20, 400), rail, "Top-up")
        if chance <= 66:
            return self._buy(who, born)
        if chance <= 76:
            return self._send(who, born)
        if chance <= 86:
            rail = _RAILS_IN[who.currency][-1]
            amount = self._affordable(who, 30, 200)
            return (amount and self._act(Verb.WITHDRAW, who, amount, rail, "To my bank")) or None
        return self._set_aside(who, at)

    def _of_shop(self, shop: Person) -> Act | None:
        mine = [act for act in self._bought[-200:] if act.other == shop]
        if mine and self._random.randint(1, 100) <= 15:
            bought = self._random.choice(mine)
            if self._money.get(shop.reference, 0) < bought.amount:
                return None
            return self._act(
                Verb.TRANSFER,
                shop,
                bought.amount,
                description=f"Refund of order {bought.number}",
                other=bought.wallet,
            )
        amount = self._money.get(shop.reference, 0) * self._random.randint(20, 70) // 100
        if amount < 100 * 10 ** exponent_of(shop.currency):
            return None
        return self._act(Verb.WITHDRAW, shop, amount, _RAILS_IN[shop.currency][-1], "Settlement")

    def _buy(self, who: Person, born: list[Person]) -> Act | None:
        shops = [one for one in born if one.is_shop and one.currency == who.currency]
        amount = self._affordable(who, 3, 120)
        if not shops or not amount:
            return None
        goods = self._random.choice(_GOODS)
        act = self._act(
            Verb.TRANSFER, who, amount, description=f"For {goods}", other=self._random.choice(shops)
        )
        self._bought.append(act)
        return act

    def _send(self, who: Person, born: list[Person]) -> Act | None:
        others = [
            one
            for one in born
            if one.currency == who.currency and not one.is_shop and one is not who
        ]
        amount = self._affordable(who, 5, 80)
        if not others or not amount:
            return None
        other = self._random.choice(others)
        return self._act(Verb.TRANSFER, who, amount, description="Shared dinner", other=other)

    def _set_aside(self, who: Person, at: datetime) -> Act | None:
        amount = self._affordable(who, 40, 150)
        if not amount:
            return None
        act = self._act(Verb.HOLD, who, amount, "card", "Hotel deposit")
        days = self._random.randint(1, 6)
        self._holds.append(_Open(act.number, who, amount, at + timedelta(days=days)))
        return act

    def _ending(self, at: datetime) -> list[Act]:
        due = [one for one in self._holds if one.ends_at <= at]
        self._holds = [one for one in self._holds if one.ends_at > at]
        acts = []
        for one in due:
            if self._random.randint(1, 100) <= 70:
                taken = max(1, one.amount * self._random.randint(60, 100) // 100)
                acts.append(
                    self._act(
                        Verb.CAPTURE, one.wallet, taken, "card", "Hotel bill", hold=one.number
                    )
                )
                self._money[one.wallet.reference] += one.amount
            else:
                acts.append(self._act(Verb.VOID, one.wallet, one.amount, hold=one.number))
        return acts

    def _last_days(self, born: list[Person]) -> Iterator[Moment]:
        """End with what staff have to look at: bursts, a circle, refusals, a frozen wallet."""
        at = self.ends_at - timedelta(hours=1)
        rich = [one for one in born if not one.is_shop and one.currency == "USD"][:6]
        if len(rich) < 4:
            return
        thief, *ring = rich
        yield Moment(at, acts=(self._act(Verb.DEPOSIT, thief, 12_500_00, "wire", "Sale of a car"),))
        for _ in range(6):
            at += timedelta(seconds=7)
            yield Moment(at, acts=(self._act(Verb.WITHDRAW, thief, 1_900_00, "card", "Cash"),))
        round_trip = [*ring[:3], ring[0]]
        for one in ring[:3]:
            act = self._act(Verb.DEPOSIT, one, 2_000_00, "wire", "Loan")
            yield Moment(at := at + timedelta(minutes=1), acts=(act,))
        for source, target in pairwise(round_trip):
            act = self._act(Verb.TRANSFER, source, 1_500_00, description="Loan", other=target)
            yield Moment(at := at + timedelta(minutes=2), acts=(act,))
        refused = tuple(
            self._act(Verb.WITHDRAW, one, 90_000_00, "card", "Too much") for one in ring
        )
        yield Moment(at := at + timedelta(minutes=1), acts=refused, frozen=thief)
        yield Moment(at + timedelta(minutes=1), acts=tuple(self._payouts(born)))

    def _payouts(self, born: list[Person]) -> Iterator[Act]:
        for shop in (one for one in born if one.is_shop):
            amount = self._money.get(shop.reference, 0) // 2
            if amount > 0:
                yield self._act(Verb.PAYOUT, shop, amount, _RAILS_IN[shop.currency][-1], "Payout")

    def _amount(self, who: Person, least: int, most: int) -> int:
        """Draw an amount between so many small units, with odd cents."""
        scale: int = 10 ** exponent_of(who.currency)
        unit = _UNITS[who.currency]
        return self._random.randint(least * unit, most * unit) * scale + self._random.randint(
            0, scale - 1
        )

    def _affordable(self, who: Person, least: int, most: int) -> int:
        """Draw an amount that the wallet has; 0 where it has too little."""
        amount = self._amount(who, least, most)
        return amount if amount <= self._money.get(who.reference, 0) else 0

    def _act(
        self,
        verb: Verb,
        wallet: Person,
        amount: int,
        channel: str = "default",
        description: str = "",
        *,
        other: Person | None = None,
        hold: int = 0,
    ) -> Act:
        self._number += 1
        money = self._money
        if verb is Verb.DEPOSIT:
            money[wallet.reference] = money.get(wallet.reference, 0) + amount
        elif verb is Verb.VOID:
            money[wallet.reference] += amount
        else:
            money[wallet.reference] = money.get(wallet.reference, 0) - amount
        if other is not None:
            money[other.reference] = money.get(other.reference, 0) + amount
        reference = f"{verb.name.lower()}-{self._number:06d}"
        return Act(self._number, verb, wallet, amount, channel, description, reference, other, hold)
