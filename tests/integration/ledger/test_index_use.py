"""What is asked often is looked up in an index, however large the books are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from events import log
from ledger import queries as books
from ledger import rolling, rollups
from ledger.models import Account
from ledger.periods import adding
from tests.bench import load
from tests.integration.ledger.books import roll
from tests.people import asks, fund
from tests.publishing import publish
from wallet_project.kit.clock import now
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


def test_a_page_of_events_costs_the_same_however_much_others_do(
    alice: WalletIdentity, charlie: WalletIdentity
) -> None:
    for _ in range(5):
        fund(alice, 1)
    publish()
    alone = rows_read_by_a_page(alice)
    for _ in range(80):
        fund(charlie, 1)
    fund(alice, 1)
    publish()

    # MariaDB finds another way to the same few rows when there are more; all of them are 86.
    assert max(alone, rows_read_by_a_page(alice)) <= 25


@pytest.mark.usefixtures("client_acme")
@pytest.mark.parametrize("read", [rolling.postings_between, adding.read])
def test_a_batch_of_the_sums_reads_no_more_when_much_is_left(read: Any) -> None:
    """At ten million postings of a thousand accounts MySQL joined the other way round, and each
    batch read and sorted all that was left: a LIMIT does not count when it chooses the order."""
    load.main(["--postings", "20000", "--wallets", "5", "--client", "acme"])

    with connections["default"].cursor() as cursor:
        begun = _handler_reads(cursor)
        with CaptureQueriesContext(connections["default"]) as asked:
            found = read(0, 20_000, 100)
        taken = _handler_reads(cursor) - begun

    assert len(found) == 100
    assert taken <= 100 * 5
    assert not [one["sql"] for one in asked if "JOIN" in one["sql"] and "LIMIT" in one["sql"]]


def rows_read_by_a_page(wallet: WalletIdentity) -> int:
    """Count the index and row reads of a page of three events, the second of a client's."""
    with connections["default"].cursor() as cursor:
        cursor.execute("ANALYZE TABLE events_outboxevent")
        cursor.fetchall()
        first = log.page(wallet.client, after=None, limit=2, using="default")
        before = _handler_reads(cursor)
        log.page(wallet.client, after=first.next_after, limit=3, using="default")
        return _handler_reads(cursor) - before


def test_sums_over_the_books_cost_the_same_in_small_books_and_in_large_ones(
    alice: WalletIdentity, charlie: WalletIdentity
) -> None:
    """The ORM's statement began with the accounts and walked through every posting of each."""
    fund(alice, 1)
    fund(charlie, 1)
    roll()
    in_small = rows_read_by_sums(alice)
    for _ in range(200):
        fund(alice, 1)
        fund(charlie, 1)
    roll()

    assert rows_read_by_sums(alice) <= in_small + 4
    assert in_small <= 60


def rows_read_by_sums(wallet: WalletIdentity) -> int:
    """Count the index and row reads of a trial balance, house balances and a month of days."""
    house = list(Account.objects.filter(normal_side="debit").values_list("pk", flat=True))
    with connections["default"].cursor() as cursor:
        cursor.execute("ANALYZE TABLE ledger_posting")
        cursor.fetchall()
        before = _handler_reads(cursor)
        rollups.trial_balance_now()
        rollups.trial_balance_now(wallet.client)
        rollups.balances(house)
        today = now().date()
        rollups.by_day(None, today - timedelta(days=30), today)
        return _handler_reads(cursor) - before


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
