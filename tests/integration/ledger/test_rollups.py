"""Roll-ups say what a scan of the postings says, whatever happened in between."""

from __future__ import annotations

import threading
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import rolling, rollups, settled
from ledger.models import (
    DayTotal,
    Posting,
    RollUp,
    SettledMark,
)
from tests import databases
from tests.integration.ledger.books import (
    Books,
    assert_reads_are_current,
    assert_sums_are_right,
    roll,
)
from tests.people import Company, asks, fund, wallet_of
from wallets.identity import WalletIdentity
from wallets.operations.deposit import deposit
from wallets.operations.transfer import transfer
from wallets.operations.withdraw import withdraw

movements = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, 2),
        st.integers(0, 1),
        st.integers(-(10**12), 10**12).filter(bool),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=30,
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    parts=st.lists(movements, min_size=1, max_size=3),
    batches=st.lists(st.integers(1, 40), min_size=3, max_size=3),
    shares=st.lists(st.integers(0, 100), min_size=3, max_size=3),
    every=st.integers(1, 12),
)
def test_sums_are_those_of_the_postings_for_any_marks_and_batches(
    database: None,
    settings: Any,
    parts: list[list[tuple[int, int, int, int, int]]],
    batches: list[int],
    shares: list[int],
    every: int,
) -> None:
    settings.SNAPSHOT_POSTINGS = every
    books = Books()
    for movements_, batch, share in zip(parts, batches, shares, strict=False):
        books.post(movements_)
        end, mark = settled.end_of_books(), rolling.mark().upto
        rolling.roll_up(upto=mark + (end - mark) * share // 100, batch_size=batch)

        assert_sums_are_right()
        assert_reads_are_current()
    assert rolling.mark().late == 0


def test_alice_and_bob_leave_the_sums_that_their_books_have(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    fund(alice, 10_00)
    withdraw(wallet=alice, request=asks(3_00, wallet=alice))
    transfer(source=alice, destination=bob, request=asks(2_00, wallet=alice))

    done = roll()

    assert (done.postings, done.late) == (6, 0)
    assert_sums_are_right()
    today = Posting.objects.latest("id").posted_at.date()
    (flow,) = rollups.by_day(alice.client, today, today)
    assert (flow.currency, flow.money_in, flow.money_out) == ("USD", 10_00, 3_00)
    (account,) = rollups.by_account(None, today, today)
    assert account.code.startswith("acme:external:")
    assert (account.money_in, account.money_out) == (10_00, 3_00)
    (books,) = rollups.trial_balance_now().by_currency()
    assert (books.customers, books.debit, books.credit, books.difference) == (7_00, 7_00, 7_00, 0)


def test_each_client_sees_its_own_books_only(
    alice: WalletIdentity, charlie: WalletIdentity
) -> None:
    fund(alice, 1_00)
    fund(charlie, 5_00)
    roll()

    told = rollups.trial_balance_now(charlie.client)

    assert {line.client for line in told.lines} == {charlie.client}
    today = Posting.objects.latest("id").posted_at.date()
    assert [flow.money_in for flow in rollups.by_day(charlie.client, today, today)] == [5_00]
    assert [flow.money_in for flow in rollups.by_day(None, today, today)] == [6_00]


def test_rolling_twice_adds_nothing_twice(alice: WalletIdentity) -> None:
    fund(alice, 1_00)
    assert roll().postings == 2

    assert roll().postings == 0

    assert_sums_are_right()


def test_two_rolls_at_once_add_each_posting_once(client_acme: Company) -> None:
    books = Books()
    for _ in range(20):
        books.post([(index % 4, index % 3, index % 2, 7, index % 2) for index in range(20)])
    start = threading.Barrier(3)
    added: list[int] = []

    def run() -> None:
        start.wait()
        added.append(roll(batch_size=30).postings)
        connections["default"].close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(added) == Posting.objects.count() == 800
    assert_sums_are_right()


def test_a_roll_that_dies_within_a_step_leaves_the_step_undone(
    alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        fund(alice, 1_00)
    steps = count()
    move = rolling._move

    def die_in_the_third(*args: Any) -> None:
        if next(steps) == 2:
            raise KeyboardInterrupt
        move(*args)

    monkeypatch.setattr(rolling, "_move", die_in_the_third)
    with pytest.raises(KeyboardInterrupt):
        roll(batch_size=2)
    monkeypatch.undo()

    assert rolling.mark().postings == 4
    assert_sums_are_right()
    assert roll(batch_size=2).postings == 6
    assert_sums_are_right()


def test_a_posting_that_comes_in_behind_the_mark_is_an_alarm(
    alice: WalletIdentity, caplog: pytest.LogCaptureFixture
) -> None:
    fund(alice, 1_00)
    fund(alice, 1_00)
    kept = Posting.objects.order_by("id")[1]
    with connections[databases.owner()].cursor() as cursor:
        _without_guards(cursor, f"DELETE FROM ledger_posting WHERE id = {kept.id}")
    roll()
    assert rolling.mark().late == 0
    Posting.objects.bulk_create([kept])

    done = roll()

    assert done.late == 1
    assert rollups.position().late == 1
    assert "rollups.late_postings" in caplog.text
    assert roll().late == 0, "an alarm is told once, and kept"
    assert rollups.position().late == 1


def test_a_rebuild_makes_the_sums_anew_and_forgets_the_alarm(alice: WalletIdentity) -> None:
    fund(alice, 1_00)
    roll()
    DayTotal.objects.update(debits=77)
    RollUp.objects.update(late=3)

    rolling.forget_sums()
    roll()

    assert rollups.position().late == 0
    assert_sums_are_right()


def test_a_balance_is_explained_by_a_snapshot_and_what_came_since(
    client_acme: Company, settings: Any
) -> None:
    settings.SNAPSHOT_POSTINGS = 5
    alice = wallet_of(client_acme, "alice")
    for _ in range(7):
        fund(alice, 1_00)
    roll()
    fund(alice, 50)

    told = rollups.explain(alice.id)

    assert (told.start, told.sequence, told.is_complete) == (7_00, 7, True)
    assert [posting.amount for posting in told.postings] == [50]
    assert told.balance == 7_50
    assert told.postings[-1].balance_after == told.balance


def test_a_balance_without_a_snapshot_is_explained_by_all_its_postings(
    alice: WalletIdentity,
) -> None:
    fund(alice, 1_00)
    deposit(wallet=alice, request=asks(2_00, wallet=alice))
    roll()

    told = rollups.explain(alice.id)

    assert (told.start, told.made_at, told.balance) == (0, None, 3_00)
    cut = rollups.explain(alice.id, limit=1)
    assert (len(cut.postings), cut.is_complete) == (1, False)


def test_sums_that_lag_too_far_tell_no_difference(
    alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    fund(alice, 1_00)
    roll()
    fund(alice, 1_00)
    monkeypatch.setattr(rollups, "TAIL_MAX", 1)

    (books,) = rollups.trial_balance_now().by_currency()

    assert (books.customers, books.difference) == (1_00, None)


def test_a_difference_in_the_books_is_told(alice: WalletIdentity) -> None:
    fund(alice, 1_00)
    roll()
    entry = Posting.objects.first()
    assert entry is not None
    Posting.objects.create(
        entry_id=entry.entry_id,
        account_id=alice.id,
        amount=5,
        balance_after=1_05,
        sequence=2,
        version=3,
        posted_at=entry.posted_at,
    )

    (before,) = rollups.trial_balance_now().by_currency()
    roll()
    (after,) = rollups.trial_balance_now().by_currency()

    assert (before.difference, after.difference) == (5, 5)


@pytest.mark.full_stack
def test_the_end_of_the_books_is_not_settled_at_once(alice: WalletIdentity) -> None:
    fund(alice, 1_00)

    assert settled.end_of_books() > 0
    assert rollups.settled_upto() == 0
    assert roll_settled() == 0


@pytest.mark.full_stack
def test_a_new_process_takes_the_mark_that_others_left_when_it_is_twice_as_old(
    alice: WalletIdentity,
) -> None:
    fund(alice, 1_00)
    end = settled.end_of_books()
    assert rollups.settled_upto() == 0
    _age_the_mark(119)
    assert rollups.settled_upto() == 0
    _age_the_mark(2)

    assert rollups.settled_upto() == end
    fund(alice, 1_00)
    assert rollups.settled_upto() == end


def roll_settled() -> int:
    """Add what is settled; tell how many postings."""
    return rolling.roll_up().postings


def _age_the_mark(seconds: int) -> None:
    mark = SettledMark.objects.get()
    mark.taken_at -= timedelta(seconds=seconds)
    mark.save()


def _without_guards(cursor: Any, statement: str) -> None:
    """Run a statement that the triggers forbid, as somebody with all rights may."""
    if databases.is_mysql():
        cursor.execute("SHOW CREATE TRIGGER ledger_posting_no_delete")
        trigger = cursor.fetchone()[2]
        name = "DROP TRIGGER ledger_posting_no_delete"
    else:
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = 'ledger_posting_no_delete'")
        trigger = cursor.fetchone()[0]
        name = "DROP TRIGGER ledger_posting_no_delete"
    cursor.execute(name)
    try:
        cursor.execute(statement)
    finally:
        cursor.execute(trigger)
