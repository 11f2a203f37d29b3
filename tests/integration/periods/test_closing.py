"""A month is closed once nothing can reach it any more, and stays what it was."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import rolling
from ledger.models import JournalEntry, Posting
from ledger.periods import adding, calendars, closing, figures, keeping, reopening
from ledger.periods.errors import (
    PeriodNotClosed,
    PeriodNotClosing,
    PeriodNotOver,
    PeriodNotProven,
    PeriodOutOfOrder,
)
from ledger.periods.models import Calendar, Close, DaySum, Reopening
from tests.people import Company, asks, balance, books_now
from tests.periods import (
    BY,
    IN_IT,
    MONTH,
    NEXT,
    REASON,
    bar,
    close,
    finish,
    frozen,
    is_open,
    month_ago,
    put,
    roll,
)
from wallet_project.kit.audit import Actor
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.models import AuditRecord
from wallets import errors
from wallets.identity import WalletIdentity
from wallets.operations.reverse_transaction import identify, reverse_transaction
from wallets.operations.transfer import transfer
from wallets.operations.withdraw import withdraw


def test_a_close_freezes_what_the_month_came_to(
    client_acme: Company, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    put(alice, 10_000, MONTH - timedelta(days=1))
    put(alice, 500)
    transfer(
        source=alice,
        destination=bob,
        request=asks(200, wallet=alice, value_date=IN_IT),
    )
    withdraw(wallet=bob, request=asks(50, wallet=bob, value_date=IN_IT))
    put(alice, 77, NEXT)

    made = close(client_acme.id, MONTH)

    assert frozen(made) == {
        ("Wallets", "USD"): (10_000, 250, 700, 10_450, 4),
        ("External", "USD"): (-10_000, 500, 50, -10_450, 2),
    }
    assert (made.version, made.postings, made.actor) == (1, 6, BY.id)
    assert calendars.calendar_of(client_acme.id).closed_through == calendars.end_of(MONTH)
    acts = AuditRecord.objects.filter(action__startswith="period.").order_by("pk")
    assert list(acts.values_list("action", "reason")) == [
        ("period.bar", REASON),
        ("period.close", REASON),
    ]
    assert [one.findings for one in keeping.look()] == [()]


def test_months_are_closed_one_after_the_other(client_acme: Company) -> None:
    with pytest.raises(PeriodNotOver):
        bar(client_acme.id, month_ago(0))
    close(client_acme.id, MONTH)
    with pytest.raises(PeriodOutOfOrder, match="is closed"):
        bar(client_acme.id, MONTH)
    with pytest.raises(PeriodOutOfOrder, match="before"):
        bar(client_acme.id, month_ago(1))
    bar(client_acme.id, NEXT)
    bar(client_acme.id, NEXT)
    assert finish(client_acme.id).month == NEXT
    with pytest.raises(PeriodNotClosing):
        finish(client_acme.id)


def test_a_close_that_is_given_up_lets_value_dates_in_again(
    client_acme: Company, alice: WalletIdentity
) -> None:
    bar(client_acme.id, MONTH)
    with pytest.raises(errors.PeriodClosed):
        put(alice, 100)
    closing.give_up(client=client_acme.id, by=BY, reason="too early")
    put(alice, 100)
    assert balance(alice) == 100
    with pytest.raises(PeriodNotClosing):
        closing.give_up(client=client_acme.id, by=BY, reason="too early")


def test_a_month_whose_sums_are_wrong_is_not_closed(
    client_acme: Company, alice: WalletIdentity
) -> None:
    put(alice, 100)
    roll()
    row = DaySum.objects.filter(account=adding.CUSTOMERS).get()
    DaySum.objects.filter(pk=row.pk).update(credits=row.credits + 1)
    bar(client_acme.id, MONTH)
    with pytest.raises(PeriodNotProven, match="trial balance in USD is not zero"):
        finish(client_acme.id)
    calendar = calendars.calendar_of(client_acme.id)
    assert "trial balance" in calendar.trouble
    assert not is_open(client_acme.id, IN_IT)
    assert not Close.objects.exists()

    DaySum.objects.filter(pk=row.pk).update(credits=row.credits)
    assert finish(client_acme.id).postings == 2


def test_late_postings_stand_against_a_close(client_acme: Company, alice: WalletIdentity) -> None:
    put(alice, 100)
    roll()
    mark = rolling.mark()
    mark.late = 1
    mark.save(using=PRIMARY, force_update=True)
    bar(client_acme.id, MONTH)
    with pytest.raises(PeriodNotProven, match="came in late"):
        finish(client_acme.id)


def test_a_closed_month_stays_what_it_was_after_a_thousand_movements(
    client_acme: Company, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    inside = [put(alice, 1_000 + n) for n in range(40)]
    made = close(client_acme.id, MONTH)
    then = frozen(made)

    for n in range(480):
        transfer(source=alice, destination=bob, request=asks(1 + n % 7, wallet=alice))
        put(alice, 3, NEXT + timedelta(days=n % 28))
    for entry in inside:
        original = identify(client_acme.id, entry)
        reverse_transaction(original=original, request=asks(250, wallet=alice))

    assert [one.findings for one in keeping.look()] == [()]
    assert frozen(made) == then
    roll()
    now = {
        (one.account_class, one.currency): (
            one.opening,
            one.debits,
            one.credits,
            one.closing,
            one.postings,
        )
        for one in figures.of_month(client_acme.id, MONTH)
    }
    assert now == then
    corrections = JournalEntry.objects.filter(reverses__in=inside)
    assert corrections.count() == 40
    assert all(one.value_date >= NEXT for one in corrections)


def test_a_posting_that_reached_a_closed_month_is_found(
    client_acme: Company, alice: WalletIdentity
) -> None:
    put(alice, 100)
    close(client_acme.id, MONTH)
    Calendar.objects.filter(pk=client_acme.id).update(barred_through=None)
    put(alice, 1)
    roll()
    (kept,) = keeping.look()
    assert len(kept.findings) == 2
    assert "Wallets in USD" in kept.findings[1]


def test_figures_that_were_changed_do_not_have_their_hash(
    client_acme: Company, alice: WalletIdentity
) -> None:
    put(alice, 100)
    made = close(client_acme.id, MONTH)
    then = keeping.frozen_figures(made)
    assert figures.digest(client_acme.id, MONTH, 1, then, None) == made.figures_hash
    for place, one in enumerate(then):
        changed = [*then]
        changed[place] = figures.Figure(
            one.currency,
            one.account_class,
            one.opening,
            one.debits + 1,
            one.credits,
            one.closing,
            one.postings,
        )
        digest = figures.digest(client_acme.id, MONTH, 1, changed, None)
        assert digest != made.figures_hash


def test_an_opened_month_takes_value_dates_and_gets_another_version(
    client_acme: Company, alice: WalletIdentity
) -> None:
    put(alice, 100)
    first = close(client_acme.id, MONTH)
    close(client_acme.id, NEXT)
    with pytest.raises(PeriodOutOfOrder, match=f"{NEXT:%Y-%m} has to be opened before"):
        reopening.close_in_force(client_acme.id, MONTH)
    _reopen(reopening.close_in_force(client_acme.id, NEXT))
    assert not is_open(client_acme.id, IN_IT)
    _reopen(first)
    assert is_open(client_acme.id, IN_IT)
    put(alice, 1)
    with pytest.raises(PeriodNotClosed):
        reopening.close_in_force(client_acme.id, MONTH)

    second = close(client_acme.id, MONTH)
    assert second.version == 2
    assert second.previous_hash is not None
    assert frozen(first)["Wallets", "USD"][3] == 100
    assert frozen(second)["Wallets", "USD"][3] == 101
    kept = {(one.month, one.version): one for one in keeping.look()}
    assert not kept[MONTH, 1].is_in_force
    assert kept[MONTH, 2].is_in_force
    assert all(one.findings == () for one in kept.values())


def test_nobody_opens_a_month_alone(client_acme: Company, alice: WalletIdentity) -> None:
    put(alice, 100)
    made = close(client_acme.id, MONTH)
    before = books_now()
    with pytest.raises(Exception, match="two people"), transaction.atomic(using=PRIMARY):
        reopening.reopen_within(close=made, by=BY, asked_by=BY.id, reason="mine alone")
    assert not is_open(client_acme.id, IN_IT)
    assert not Reopening.objects.exists()
    assert books_now() == before


def _reopen(made: Close) -> None:
    with transaction.atomic(using=PRIMARY):
        reopening.reopen_within(
            close=made, by=Actor("staff:2", "carl"), asked_by=BY.id, reason="a fee was missing"
        )


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(1, 900), st.integers(-40, 70)), max_size=12
    )
)
def test_figures_are_what_a_scan_of_the_entries_says(
    client_acme: Company,
    alice: WalletIdentity,
    bob: WalletIdentity,
    movements: list[tuple[str, int, int]],
) -> None:
    for kind, amount, days in movements:
        day = MONTH + timedelta(days=days)
        if kind == "a":
            put(alice, amount, day, channel="card")
        elif kind == "b":
            put(bob, amount, day, channel="bank")
        elif balance(alice) >= amount:
            request = asks(amount, wallet=alice, value_date=day, channel="card")
            withdraw(wallet=alice, request=request)
    roll()
    found = {one.account_class: one for one in figures.of_month(client_acme.id, MONTH)}
    entries = {one.pk: one.value_date for one in JournalEntry.objects.all()}
    end = calendars.end_of(MONTH)
    lines = [
        (entries[one.entry_id], one.amount)
        for one in Posting.objects.exclude(sequence=None)
        if entries[one.entry_id] <= end
    ]
    told = found.get("Wallets")
    assert (told.opening if told else 0) == sum(n for day, n in lines if day < MONTH)
    assert (told.closing if told else 0) == sum(n for _, n in lines)
    assert (told.postings if told else 0) == sum(1 for day, _ in lines if day >= MONTH)
    houses = found.get("External")
    assert (houses.closing if houses else 0) == -(told.closing if told else 0)
