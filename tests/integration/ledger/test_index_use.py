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


def test_a_past_balance_reads_one_row_of_the_time_index(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    for _ in range(60):
        fund(alice, 1)
        fund(bob, 1)
    connection = connections["default"]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE ledger_posting")
        cursor.fetchall()
        read_before = _rows_read(cursor)
        books.balance_at(alice.id, queries.primary_clock())
        read = _rows_read(cursor) - read_before

    assert read <= 4


def _rows_read(cursor: Any) -> int:
    cursor.execute(
        "SHOW SESSION STATUS WHERE Variable_name IN "
        "('Handler_read_first', 'Handler_read_key', 'Handler_read_next', 'Handler_read_prev',"
        " 'Handler_read_rnd', 'Handler_read_rnd_next')"
    )
    # SHOW itself reads a few rows of a temporary table; rnd_next counts those, so leave it out.
    return sum(int(value) for name, value in cursor.fetchall() if name != "Handler_read_rnd_next")
