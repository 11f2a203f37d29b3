"""What is asked of a service: one load a line, each request with a key of its own."""

from __future__ import annotations

import itertools
import random
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from tests.bench.adapter import Adapter
from tests.bench.figures import Zipf
from tests.bench.messages import Request

FUNDS: Final = 100_000_000
"""What each wallet begins with, in minor units."""
TOO_MUCH: Final = 10**15
"""More than any wallet ever has."""
AMOUNT: Final = 1


@dataclass(frozen=True)
class Scene:
    """What a load is made from."""

    adapter: Adapter
    wallets: Sequence[str]
    source: random.Random
    since: datetime
    """When the first wallets had their money."""
    name: str = field(default_factory=lambda: secrets.token_hex(6))
    """Makes keys that no other load has."""


Build = Callable[[Scene], Iterator[Request]]


@dataclass(frozen=True)
class Load:
    """A kind of request in a pattern of wallets."""

    name: str
    call: str
    """The adapter's function; without it the load is left out."""
    build: Build
    commands: int = 1
    """Movements in one request."""
    moves: bool = True
    """Whether it changes something, so that no request may be sent twice."""
    refusals: bool = False
    """Whether refusals for lack of money are among the answers."""

    def expected(self, adapter: Adapter) -> list[int]:
        """Return the statuses that must be among the answers, and no other may."""
        found = [adapter.EXPECTED[self.call]]
        return [*found, adapter.EXPECTED["insufficient"]] if self.refusals else found


def _keys(scene: Scene) -> Iterator[str]:
    return (f"{scene.name}-{number}" for number in itertools.count())


def _deposits(scene: Scene) -> Iterator[Request]:
    choose = scene.source.choice
    for key in _keys(scene):
        yield scene.adapter.deposit(choose(scene.wallets), AMOUNT, key)


def _hot_deposits(scene: Scene) -> Iterator[Request]:
    for key in _keys(scene):
        yield scene.adapter.deposit(scene.wallets[0], AMOUNT, key)


def _withdrawals(scene: Scene) -> Iterator[Request]:
    """One in ten asks for more than there is."""
    choose = scene.source.choice
    for number, key in enumerate(_keys(scene)):
        amount = TOO_MUCH if number % 10 == 9 else AMOUNT
        yield scene.adapter.withdraw(choose(scene.wallets), amount, key)


def _transfers(scene: Scene) -> Iterator[Request]:
    for key in _keys(scene):
        source, destination = scene.source.sample(scene.wallets, 2)
        yield scene.adapter.transfer(source, destination, AMOUNT, key)


def _zipf_transfers(scene: Scene) -> Iterator[Request]:
    zipf = Zipf(len(scene.wallets), 1.0, scene.source)
    for key in _keys(scene):
        source = zipf.draw()
        destination = zipf.draw()
        while destination == source:
            destination = zipf.draw()
        yield scene.adapter.transfer(scene.wallets[source], scene.wallets[destination], AMOUNT, key)


def _hot_transfers(scene: Scene) -> Iterator[Request]:
    """All pay to the first wallet, as to a shop."""
    choose = scene.source.choice
    for key in _keys(scene):
        yield scene.adapter.transfer(choose(scene.wallets[1:]), scene.wallets[0], AMOUNT, key)


def _opposite_transfers(scene: Scene) -> Iterator[Request]:
    """Two wallets pay each other: locks taken in the order of the request would deadlock."""
    pair = scene.wallets[:2]
    for number, key in enumerate(_keys(scene)):
        yield scene.adapter.transfer(pair[number % 2], pair[1 - number % 2], AMOUNT, key)


def _new_wallets(scene: Scene) -> Iterator[Request]:
    for number, key in enumerate(_keys(scene)):
        yield scene.adapter.create_wallet(number, key)


def _balances(scene: Scene) -> Iterator[Request]:
    while True:
        yield scene.adapter.balance(scene.source.choice(scene.wallets))


def _past_balances(scene: Scene) -> Iterator[Request]:
    span = (datetime.now(UTC) - scene.since).total_seconds()
    while True:
        moment = scene.since + timedelta(seconds=scene.source.uniform(0, span))
        yield scene.adapter.balance_at(scene.source.choice(scene.wallets), moment)


def _statements(scene: Scene) -> Iterator[Request]:
    while True:
        yield scene.adapter.history(scene.source.choice(scene.wallets))


def _bulks(length: int) -> Build:
    def build(scene: Scene) -> Iterator[Request]:
        for key in _keys(scene):
            yield scene.adapter.bulk(scene.source.choices(scene.wallets, k=length), AMOUNT, key)

    return build


def _empties(scene: Scene) -> Iterator[Request]:
    while True:
        yield scene.adapter.empty()


LOADS: Final = (
    Load("empty answer", "empty", _empties, moves=False),
    Load("deposit", "deposit", _deposits),
    Load("deposit, one wallet", "deposit", _hot_deposits),
    Load("withdraw", "withdraw", _withdrawals, refusals=True),
    Load("transfer", "transfer", _transfers),
    Load("transfer, Zipf", "transfer", _zipf_transfers),
    Load("transfer, to one wallet", "transfer", _hot_transfers),
    Load("transfer, back and forth", "transfer", _opposite_transfers),
    Load("create wallet", "create_wallet", _new_wallets),
    Load("balance", "balance", _balances, moves=False),
    Load("past balance", "balance_at", _past_balances, moves=False),
    Load("statement page", "history", _statements, moves=False),
    Load("bulk of 100", "bulk", _bulks(100), commands=100),
    Load("bulk of 1,000", "bulk", _bulks(1_000), commands=1_000),
)
BY_NAME: Final = {load.name: load for load in LOADS}


def prepare(load: Load, scene: Scene, most: int) -> Iterator[Request]:
    """Make as many requests as a load may need, fewer when each carries many commands."""
    if not load.moves:
        most = min(most, 20_000)  # may be sent again
    return itertools.islice(load.build(scene), max(1, most // min(load.commands, 100)))
