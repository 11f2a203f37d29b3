"""A past balance is one look-up in one index, however long the account's history is."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections

from ledger import queries as books
from tests.people import fund
from wallets import queries
from wallets.identity import WalletIdentity

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
