"""Forty threads move money at random; at the end every sum must agree."""

from __future__ import annotations

import random
import threading
from collections import Counter

import pytest

from tests.people import Company, asks, balance, fund, wallet_of
from wallet_project.kit.errors import DomainError, Refused
from wallets import verification
from wallets.operations.deposit import deposit
from wallets.operations.transfer import transfer
from wallets.operations.withdraw import withdraw

pytestmark = pytest.mark.stress

THREADS = 40
ROUNDS = 40


def test_forty_threads_lose_nothing(client_acme: Company) -> None:
    people = [wallet_of(client_acme, f"w{number}") for number in range(4)]
    for wallet in people:
        fund(wallet, 500)
    deposited: Counter[str] = Counter()
    withdrawn: Counter[str] = Counter()
    failures: list[BaseException] = []
    ended: Counter[str] = Counter()

    def hammer(number: int) -> None:
        generator = random.Random(number)
        for _ in range(ROUNDS):
            source, destination = generator.sample(people, 2)
            amount = generator.randint(1, 120)
            request = asks(amount, wallet=source)
            try:
                match number % 4:
                    case 0:
                        deposit(wallet=source, request=request)
                        deposited["minor"] += amount
                    case 1:
                        withdraw(wallet=source, request=request)
                        withdrawn["minor"] += amount
                    case _:
                        # Opposite directions at once: half the threads go against the others.
                        pair = (source, destination) if number % 2 else (destination, source)
                        transfer(
                            source=pair[0],
                            destination=pair[1],
                            request=asks(amount, wallet=pair[0]),
                        )
                ended["ok"] += 1
            except Refused as refusal:
                ended[refusal.code] += 1
            except DomainError as failure:
                failures.append(failure)

    threads = [threading.Thread(target=hammer, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert failures == []
    assert set(ended) <= {"ok", "insufficient_funds"}
    assert sum(ended.values()) == THREADS * ROUNDS
    assert ended["ok"] > THREADS * ROUNDS / 2
    balances = [balance(wallet) for wallet in people]
    assert min(balances) >= 0
    assert sum(balances) == 4 * 500 + deposited["minor"] - withdrawn["minor"]
    assert verification.verify().findings == []
