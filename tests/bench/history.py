"""A past for the books, made up: movements that balance, chain and follow each other in time.

Pure: `load` writes it into a database. The first movements pay money into each wallet; then
deposits, transfers and withdrawals take turns, and no balance ever falls below zero.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from events import contracts
from wallet_project.kit.clock import rfc3339

FUNDS: Final = 10_000_000
CURRENCY: Final = "USD"
_KINDS: Final = ("deposit", "transfer", "withdrawal", "transfer")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_VERSION_7: Final = 7 << 76
_MICROSECOND: Final = timedelta(microseconds=1)
VARIANT: Final = 2 << 62
"""What the lower half of such an id begins with."""
_KEY_SPACE: Final = 1 << 128


@dataclass(frozen=True, slots=True)
class Past:
    """What is to be made up."""

    wallets: int
    movements: int
    start: datetime
    end: datetime
    seed: int = 1
    """Another one makes other keys, so that a second past fits into the same books."""

    def moment(self, number: int) -> datetime:
        """Return when a movement happened: evenly spread, strictly rising."""
        # In whole microseconds: a year times millions is more than a timedelta can be.
        span = (self.end - self.start) // _MICROSECOND
        return self.start + span * (number + 1) // (self.movements + 1) * _MICROSECOND

    def key(self, number: int) -> bytes:
        """Return a movement's idempotency key.

        Rising, so that the index is filled in order, and spread over the whole range, so that the
        keys of later movements meet it everywhere, as among digests.
        """
        place = number * (_KEY_SPACE // max(1, self.movements))
        return place.to_bytes(16) + self._digest(number)

    def _digest(self, number: int) -> bytes:
        text = b"%d %d" % (self.seed, number)
        return hashlib.md5(text, usedforsecurity=False).digest()


@dataclass(frozen=True, slots=True)
class Leg:
    """A wallet's line of a movement."""

    wallet: int
    amount: int
    balance: int
    sequence: int

    @property
    def version(self) -> int:
        """Return the wallet's version after it; the first one is its opening."""
        return self.sequence + 1


@dataclass(frozen=True, slots=True)
class Movement:
    """One entry: a wallet and the outside, or two wallets."""

    number: int
    id: UUID
    """A UUIDv7 of the moment; ids rise with the numbers."""
    kind: str
    moment: datetime
    legs: tuple[Leg, ...]

    @property
    def house_amount(self) -> int:
        """Return what the house account takes, 0 between wallets."""
        return -sum(leg.amount for leg in self.legs)


class Wallets:
    """Balances and numbers of postings, as the movements leave them."""

    def __init__(self, count: int) -> None:
        self.balances = [0] * count
        self.sequences = [0] * count
        self.last: list[datetime | None] = [None] * count

    def move(self, wallet: int, amount: int, moment: datetime) -> Leg:
        """Change a wallet and return its line."""
        self.balances[wallet] += amount
        self.sequences[wallet] += 1
        self.last[wallet] = moment
        return Leg(wallet, amount, self.balances[wallet], self.sequences[wallet])


def movements(past: Past, wallets: Wallets) -> Iterator[Movement]:
    """Make the movements in order, keeping the wallets in step."""
    source = random.Random(past.seed)
    choose = source.randrange
    for number in range(past.movements):
        moment = past.moment(number)
        kind = "deposit" if number < past.wallets else _KINDS[number % 4]
        first = number if number < past.wallets else choose(past.wallets)
        amount = FUNDS if number < past.wallets else 1 + number % 100
        if kind != "deposit" and wallets.balances[first] < amount:
            kind = "deposit"
        if kind == "transfer" and past.wallets > 1:
            second = (first + 1 + choose(past.wallets - 1)) % past.wallets
            legs: tuple[Leg, ...] = (
                wallets.move(first, -amount, moment),
                wallets.move(second, amount, moment),
            )
        else:
            kind = "deposit" if kind == "transfer" else kind
            legs = (wallets.move(first, amount if kind == "deposit" else -amount, moment),)
        yield Movement(number, id_at(moment, number), kind, moment, legs)


def id_at(moment: datetime, number: int) -> UUID:
    """Make a UUIDv7 of a past moment; rises with the number within a millisecond and beyond."""
    since = moment - _EPOCH
    microseconds = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    milliseconds, rest = divmod(microseconds, 1_000)
    high = milliseconds << 80 | _VERSION_7 | (rest * 4) << 64
    return UUID(int=high | VARIANT | number & 0x3FFF_FFFF_FFFF_FFFF)


def opening(wallet: UUID, moment: datetime) -> bytes:
    """Make the event of a wallet's opening."""
    return contracts.encode(
        contracts.WalletFact(
            wallet_id=str(wallet),
            sequence=1,
            currency=CURRENCY,
            balance="0.00",
            held="0.00",
            available="0.00",
            status="ACTIVE",
            occurred_at=rfc3339(moment),
        )
    )
