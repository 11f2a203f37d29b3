"""What is asked often is looked up in an index, however large the books are."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections

from ledger import queries as books
from tests.people import asks, fund
from wallets import queries
from wallets.identity import WalletIdentity
from wallets.operations import _movement, deposit

pytestmark = pytest.mark.full_stack


def test_a_past_balance_costs_the_same_after_five_postings_and_after_sixty(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    for _ in range(5):
        fund(alice, 1)
        fund(bob, 1)
    after_five = rows_read(alice)
    for _ in range(55):
        fund(alice, 1)
        fund(bob, 1)

    assert rows_read(alice) == after_five
    assert after_five <= 12


def test_a_movement_looks_at_as_many_rows_in_large_books_as_in_small_ones(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    """The ORM once put `= 1` behind a condition, and every list read the whole journal."""
    fund(alice, 1)
    after_one = rows_read_by_a_deposit(alice)
    for _ in range(80):
        fund(bob, 1)

    assert rows_read_by_a_deposit(alice) <= after_one
    assert after_one <= 30


def rows_read_by_a_deposit(wallet: WalletIdentity) -> int:
    """Count the index and row reads of one deposit, on this thread's connection."""
    command = deposit.command(wallet=wallet, request=asks(1, wallet=wallet))
    with connections["default"].cursor() as cursor:
        before = _handler_reads(cursor)
        _movement.execute([command])
        return _handler_reads(cursor) - before


def rows_read(wallet: WalletIdentity) -> int:
    """Count the index and row reads of one past balance, at the middle of the history."""
    with connections["default"].cursor() as cursor:
        cursor.execute("ANALYZE TABLE ledger_posting")
        cursor.fetchall()
        before = _handler_reads(cursor)
        books.balance_at(wallet.id, queries.primary_clock())
        return _handler_reads(cursor) - before


def _handler_reads(cursor: Any) -> int:
    # SHOW itself scans a temporary table and counts that under rnd_next, so leave that out.
    cursor.execute(
        "SHOW SESSION STATUS WHERE Variable_name IN ('Handler_read_first', 'Handler_read_key', "
        "'Handler_read_next', 'Handler_read_prev', 'Handler_read_rnd')"
    )
    return sum(int(value) for _, value in cursor.fetchall())
