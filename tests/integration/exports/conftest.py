"""Alice has a history, and pieces are small enough that it has several."""

from __future__ import annotations

import random

import pytest

from tests.people import asks, fund
from wallets.exports import figures, worker
from wallets.identity import WalletIdentity
from wallets.operations.deposit import deposit
from wallets.operations.transfer import transfer
from wallets.operations.withdraw import withdraw


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "CHUNK", 5)
    monkeypatch.setattr(worker, "WRITTEN_DOWN", 5)


@pytest.fixture
def history(alice: WalletIdentity, bob: WalletIdentity) -> int:
    """Thirty-three movements of Alice's; returns how many."""
    rng = random.Random(8)
    fund(alice, 1_000_000)
    fund(bob, 1_000_000)
    for number in range(32):
        request = asks(
            rng.randrange(1, 9_999), wallet=alice, reference=f"order, {number} 漢 \u2028"
        )
        act = rng.randrange(4)
        if act == 0:
            deposit(wallet=alice, request=request)
        elif act == 1:
            withdraw(wallet=alice, request=request)
        elif act == 2:
            transfer(source=alice, destination=bob, request=request)
        else:
            transfer(source=bob, destination=alice, request=asks(request.amount, wallet=bob))
    return 33
