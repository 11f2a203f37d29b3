"""With the group commit switched off, each movement has a transaction of its own."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from tests.people import asks, balance, books_now, fund
from wallets import errors
from wallets.identity import WalletIdentity
from wallets.operations.deposit import deposit
from wallets.operations.withdraw import withdraw


@pytest.fixture(autouse=True)
def alone(settings: Any) -> None:
    """What GROUP_COMMIT=no sets."""
    settings.GROUP_COMMIT_SHARED = False


def test_alice_pays_in_without_a_leader(alice: WalletIdentity) -> None:
    made = deposit(wallet=alice, request=asks(500, wallet=alice))

    assert (made.balance, balance(alice)) == (500, 500)
    assert not [one for one in threading.enumerate() if one.name == "group-commit-leader"]


def test_many_deposits_at_once_all_count(alice: WalletIdentity) -> None:
    def pay(_: int) -> None:
        try:
            deposit(wallet=alice, request=asks(3, wallet=alice))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(pay, range(40)))

    assert balance(alice) == 120


def test_a_refused_withdrawal_moves_nothing(alice: WalletIdentity) -> None:
    fund(alice, 100)
    before = books_now()

    with pytest.raises(errors.InsufficientFunds):
        withdraw(wallet=alice, request=asks(101, wallet=alice))

    assert books_now() == before
