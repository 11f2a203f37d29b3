"""What moves between house accounts keeps to closed months, to the switch, and to the reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import call_command

from ledger.models import JournalEntry
from ledger.periods import keeping
from ledger.periods.reporting import POSTING, REPORTS, VALUE, Asked
from tests.integration.approvals.desk import person
from tests.integration.approvals.test_corrections import adjustment, house, reversal, sound
from tests.integration.reconciliation.test_differences import ask, suspense
from tests.people import Company, asks, balance, books_now, refusals
from tests.periods import close, month_ago, roll
from tests.reconciling import BANK, Booked, as_csv, book, left, run
from wallet_project.kit.audit import Actor
from wallet_project.kit.clock import now
from wallet_project.kit.errors import DomainError
from wallets import errors, idempotency
from wallets.approvals.models import Approval, Status
from wallets.approvals.operations.approve import approve
from wallets.approvals.operations.carry_out_due import carry_out_due
from wallets.identity import WalletIdentity
from wallets.operations import group_commit, post_difference
from wallets.operations.deposit import deposit
from wallets.operations.post_difference import DifferenceRequest
from wallets.reconciliation.models import SUSPENSE, Item, ItemStatus, Match, RuleName
from wallets.safeguards import switch

MONTH = month_ago(3)
IN_IT = MONTH + timedelta(days=14)


@pytest.fixture
def maker(acme: Company) -> Actor:
    return person("carol", "maker")


@pytest.fixture
def checker(acme: Company) -> Actor:
    return person("dave", "checker")


@pytest.fixture
def fee(acme: Company, alice: WalletIdentity, maker: Actor) -> UUID:
    """The bank kept 0.50 of what Alice paid in long ago; Carol asks for it to be posted."""
    book(alice, 100_00, "ref-1", IN_IT)
    run(acme, as_csv([Booked("b1", 99_50, "ref-1", IN_IT)]))
    return ask(maker)


def entry_of(approval: Approval) -> UUID:
    assert approval.status == Status.CARRIED_OUT, approval.failure
    assert approval.transaction_id is not None
    return UUID(str(approval.transaction_id))


def pause() -> None:
    call_command("pause_writes", "--reason", "the books disagree", stdout=StringIO())


def resume() -> None:
    call_command("resume_writes", "--reason", "they agree", stdout=StringIO())


def test_an_adjustment_that_names_the_difference_clears_suspense(
    acme: Company, alice: WalletIdentity, maker: Actor, checker: Actor
) -> None:
    run(acme, as_csv([Booked("b1", 3_00, "nobody knows")]))
    extra = entry_of(approve(approval=ask(maker), by=checker))
    assert suspense() == [3_00]
    with pytest.raises(DomainError, match="did not touch"):
        adjustment(maker, alice, 3_00, account="fees", corrects=extra)
    other = adjustment(maker, alice, 2_00, corrects=extra)

    found = adjustment(maker, alice, 3_00, corrects=extra)
    approve(approval=found.pk, by=checker)
    run(acme)

    assert (suspense(), balance(alice)) == ([3_00, -3_00], 3_00)
    assert Match.objects.filter(rule=RuleName.CLEARED).count() == 1
    assert not Item.objects.filter(channel=SUSPENSE, status=ItemStatus.OPEN).exists()
    # Another one, and one that names nothing, wait for a person.
    approve(approval=other.pk, by=checker)
    approve(approval=adjustment(maker, alice, 1_00).pk, by=checker)
    run(acme)
    assert {one.amount for one in Item.objects.filter(channel=SUSPENSE, status="OPEN")} == {
        *(-2_00, -1_00)
    }
    sound()


def test_a_part_of_suspense_that_is_given_back_clears_nothing(
    acme: Company, alice: WalletIdentity, maker: Actor, checker: Actor
) -> None:
    run(acme, as_csv([Booked("b1", 3_00, "nobody knows")]))
    extra = entry_of(approve(approval=ask(maker), by=checker))
    for amount in (1_00, 2_00):
        run(acme)
        assert not Match.objects.filter(rule=RuleName.CLEARED).exists()
        approve(approval=adjustment(maker, alice, amount, corrects=extra).pk, by=checker)
    run(acme)
    assert Match.objects.get(rule=RuleName.CLEARED).parts.count() == 3


def test_a_difference_of_a_closed_month_lands_in_an_open_one(
    acme: Company, fee: UUID, checker: Actor
) -> None:
    closed = close(acme.id, MONTH)
    frozen = keeping.frozen_figures(closed)

    entry = entry_of(approve(approval=fee, by=checker))

    assert JournalEntry.objects.get(pk=entry).value_date == now().date()
    roll()
    assert keeping.frozen_figures(closed) == frozen
    assert [one.findings for one in keeping.look()] == [()]


def test_nothing_moves_between_house_accounts_in_a_closed_month(
    acme: Company, alice: WalletIdentity, checker: Actor
) -> None:
    book(alice, 100_00, "ref-1", IN_IT)
    close(acme.id, MONTH)
    before = books_now()
    key = idempotency.from_header(acme.id, "late")
    asked = DifferenceRequest(
        acme.id, acme.name, BANK, "USD", 50, key, alice.id, "found later", checker
    )
    command = replace(post_difference._command(asked), value_date=IN_IT)

    with pytest.raises(errors.PeriodClosed):
        group_commit.run(command).unwrap()

    assert books_now() == before
    assert refusals() == ["period_closed"]
    assert suspense() == []


def test_what_was_approved_waits_while_money_is_stopped(
    acme: Company, alice: WalletIdentity, fee: UUID, maker: Actor, checker: Actor
) -> None:
    paid = deposit(wallet=alice, request=asks(7_00, wallet=alice)).transaction_id
    requests = [fee, adjustment(maker, alice, 5).pk, reversal(maker, alice, paid, 7_00).pk]
    pause()
    before = books_now()

    waiting = [approve(approval=one, by=checker).status for one in requests]

    assert waiting == [Status.APPROVED] * 3
    assert carry_out_due(rested=timedelta(0)) == 0
    assert books_now() == before
    assert suspense() == []
    resume()
    switch.forget()
    carry_out_due(rested=timedelta(0))
    ended = Approval.objects.filter(pk__in=requests)
    assert {one.status for one in ended} == {Status.CARRIED_OUT}
    assert (suspense(), balance(alice)) == ([-50, -5], 100_05)
    sound()


@pytest.mark.parametrize("is_rolled", [False, True])
def test_a_difference_stands_in_the_report_by_channel(
    acme: Company, fee: UUID, checker: Actor, is_rolled: bool
) -> None:
    approve(approval=fee, by=checker)
    if is_rolled:
        roll()
    today = now().date()

    def flows(basis: str) -> list[tuple[object, ...]]:
        table = REPORTS["channels"].make(Asked(acme.id, IN_IT, today, basis))
        return [(row[0], row[3], *row[4:]) for row in table.rows]

    # Days of posting may end while the test runs; together they are the same.
    posted = flows(POSTING)
    assert [sum(row[place] for row in posted) for place in (2, 3, 4)] == [2, 100_00, 50]  # type: ignore[misc]
    by_value = flows(VALUE)
    assert by_value[0] == (IN_IT, BANK, 1, 100_00, 0)
    assert [(row[1], *row[2:]) for row in by_value[1:]] == [(BANK, 1, 0, 50)]
    assert house(f"acme:external:{BANK}:USD") == -(100_00 - 50)
    assert left() == [("POSTING", -50, str(fee))]
