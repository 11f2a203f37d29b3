"""What stands on suspense goes to the fees, or back to its rail, when a second person agrees."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from events.models import OutboxEvent
from ledger.models import Correction, JournalEntry
from ledger.periods import keeping
from ledger.periods.reporting import POSTING, REPORTS, VALUE, Asked
from tests.integration.approvals.desk import person
from tests.integration.approvals.test_corrections import adjustment, house, sound
from tests.integration.approvals.test_races import at_once
from tests.integration.reconciliation.test_differences import ask, differ, suspense
from tests.integration.reconciliation.test_house_movements import pause, resume
from tests.people import Company, balance, books_now, refusals
from tests.periods import close, month_ago, roll
from tests.reconciling import BANK, Booked, as_csv, left, run
from wallet_project.kit.audit import Actor
from wallet_project.kit.clock import now
from wallet_project.kit.ids import uuid7
from wallet_project.kit.models import AuditRecord
from wallets import errors, idempotency
from wallets.approvals.errors import AboveLimit, NotAllowed, OwnRequest
from wallets.approvals.models import Approval, ApprovalLimit, Status
from wallets.approvals.operations import _carrying
from wallets.approvals.operations.approve import approve
from wallets.approvals.operations.carry_out_due import carry_out_due
from wallets.approvals.operations.reject import reject
from wallets.identity import WalletIdentity
from wallets.operations import _lists, clear_suspense, group_commit
from wallets.operations._commands import MovementCommand
from wallets.operations.clear_suspense import ClearingRequest
from wallets.reconciliation.errors import ItemsTaken, ItemsUnfit
from wallets.reconciliation.models import SUSPENSE, Item, ItemStatus, Match, RuleName
from wallets.reconciliation.operations.read_suspense import read_suspense
from wallets.reconciliation.operations.request_clearing import (
    ClearingAsked,
    Target,
    request_clearing,
)
from wallets.safeguards import switch

RAIL = f"acme:external:{BANK}:USD"
FEES = "acme:fees:USD"
MONTH = month_ago(3)


@pytest.fixture
def maker(acme: Company) -> Actor:
    return person("carol", "maker")


@pytest.fixture
def checker(acme: Company) -> Actor:
    return person("dave", "checker")


@pytest.fixture
def fee(acme: Company, alice: WalletIdentity, maker: Actor, checker: Actor) -> Item:
    """The bank kept 0.50 of what Alice paid in; it stands on suspense."""
    differ(acme, alice, 99_50, 100_00)
    done = approve(approval=ask(maker), by=checker)
    return Item.objects.get(channel=SUSPENSE, entry=done.transaction_id)


def clear(by: Actor, item: Item, amount: int | None = None, target: Target = Target.FEES) -> UUID:
    wanted = ClearingAsked(item.pk, target, amount, "a fee of the bank", "DESK-2")
    return request_clearing(request=wanted, by=by, id=uuid7())


def carried_out(approval: UUID, by: Actor) -> JournalEntry:
    done = approve(approval=approval, by=by)
    assert done.status == Status.CARRIED_OUT, done.failure
    return JournalEntry.objects.get(pk=done.transaction_id)


def all_now() -> tuple[Any, ...]:
    items = Item.objects.order_by("pk").values_list("pk", "status", "difference")
    return books_now(), suspense(), list(items), Approval.objects.count()


def test_a_fee_of_the_bank_is_booked_off_to_the_fees(
    acme: Company, alice: WalletIdentity, fee: Item, maker: Actor, checker: Actor
) -> None:
    events = OutboxEvent.objects.count()
    approval = clear(maker, fee)
    assert suspense() == [-50]
    assert Item.objects.get(pk=fee.pk).status == ItemStatus.ASKED

    entry = carried_out(approval, checker)

    assert (entry.kind, entry.actor, entry.reference) == (
        *("clearing_credit", checker.id),
        str(approval),
    )
    assert (suspense(), house(FEES), house(RAIL)) == ([-50, 50], -50, -99_50)
    assert Correction.objects.get().corrects == fee.entry
    assert entry.metadata == {"corrects": str(fee.entry)}
    assert (balance(alice), OutboxEvent.objects.count()) == (100_00, events)
    assert AuditRecord.objects.filter(action="suspense.clear", actor=checker.id).count() == 1
    run(acme)
    assert Match.objects.filter(rule=RuleName.CLEARED).count() == 1
    assert left() == []
    sound()


@pytest.mark.parametrize("bank", [99_50, 100_50])
def test_what_came_from_a_rail_goes_back_to_it(
    acme: Company, alice: WalletIdentity, maker: Actor, checker: Actor, bank: int
) -> None:
    differ(acme, alice, bank, 100_00)
    approve(approval=ask(maker), by=checker)
    gap = bank - 100_00

    entry = carried_out(
        clear(maker, Item.objects.get(channel=SUSPENSE), target=Target.RAIL), checker
    )

    assert (entry.channel, suspense(), house(RAIL)) == (BANK, [gap, -gap], -100_00)
    run(acme)
    # What the bank pays back, or takes back, is matched with it.
    assert left() == [("POSTING", -gap, entry.reference)]
    run(acme, as_csv([Booked("b2", -gap, entry.reference, now().date())]))
    assert left() == []
    sound()


def test_parts_are_cleared_until_nothing_is_left(
    acme: Company, fee: Item, maker: Actor, checker: Actor
) -> None:
    carried_out(clear(maker, fee, 20), checker)
    run(acme)
    assert not Match.objects.filter(rule=RuleName.CLEARED).exists()
    before = all_now()
    with pytest.raises(errors.ClearingTooLarge, match=r"0\.30 USD of the difference is left"):
        clear(maker, fee, 31)
    assert all_now() == before

    carried_out(clear(maker, fee, target=Target.RAIL), checker)

    assert suspense() == [-50, 20, 30]
    before = all_now()
    with pytest.raises(ItemsUnfit, match="Nothing is left"):
        clear(maker, fee, 1)
    assert all_now() == before
    run(acme)
    assert Match.objects.get(rule=RuleName.CLEARED).parts.count() == 3
    with pytest.raises(ItemsTaken):
        clear(maker, fee, 1)


def test_what_an_adjustment_has_taken_meanwhile_is_not_left(
    acme: Company, alice: WalletIdentity, fee: Item, maker: Actor, checker: Actor
) -> None:
    assert fee.entry is not None
    approval = clear(maker, fee, 40)
    paid = adjustment(maker, alice, 20, credit=False, corrects=fee.entry)
    approve(approval=paid.pk, by=checker)
    before = books_now(), suspense()

    done = approve(approval=approval, by=checker)

    assert (done.status, done.transaction_id) == (Status.FAILED, None)
    assert "0.30 USD of the difference is left" in done.failure
    assert (books_now(), suspense()) == before
    assert refusals() == ["clearing_too_large"]
    # The item is free again for what is left.
    carried_out(clear(maker, fee), checker)
    assert suspense() == [-50, 20, 30]


def test_one_request_at_a_time_waits_for_an_item(
    acme: Company, fee: Item, maker: Actor, checker: Actor
) -> None:
    first = clear(maker, fee, 30)
    before = all_now()
    with pytest.raises(ItemsTaken):
        clear(maker, fee, 20)
    assert all_now() == before

    reject(approval=first, by=checker, note="ask the bank first")

    carried_out(clear(maker, fee), checker)
    assert suspense() == [-50, 50]


@pytest.mark.parametrize("is_run", [True, False])
def test_a_rejected_clearing_lets_the_item_go(
    acme: Company, fee: Item, maker: Actor, checker: Actor, is_run: bool
) -> None:
    reject(approval=clear(maker, fee), by=checker, note="ask the bank first")
    if is_run:
        run(acme)
    else:
        roll()
        read_suspense()
    assert Item.objects.get(pk=fee.pk).status == ItemStatus.OPEN
    assert suspense() == [-50]


def test_only_a_difference_is_cleared_and_only_once_it_is_on_suspense(
    acme: Company, alice: WalletIdentity, fee: Item, maker: Actor, checker: Actor
) -> None:
    carried_out(clear(maker, fee, 20), checker)
    clearing = Item.objects.exclude(pk=fee.pk).get(channel=SUSPENSE)
    on_rail = Item.objects.filter(channel=BANK, status=ItemStatus.MATCHED).first()
    assert on_rail is not None
    Item.objects.filter(pk=on_rail.pk).update(status=ItemStatus.OPEN)
    before = all_now()
    for item in (clearing, on_rail):
        with pytest.raises(ItemsUnfit, match="Only a difference"):
            clear(maker, item)
    assert all_now() == before


def test_nobody_approves_his_own_clearing_and_a_checker_asks_for_none(
    acme: Company, fee: Item, maker: Actor, checker: Actor
) -> None:
    with pytest.raises(NotAllowed):
        clear(checker, fee)
    approval = clear(maker, fee)
    before = all_now()
    with pytest.raises(OwnRequest):
        approve(approval=approval, by=maker)
    assert all_now() == before


def test_limits_of_the_role_hold(acme: Company, fee: Item, maker: Actor) -> None:
    ApprovalLimit.objects.create(role="maker", currency="USD", request_max=49)
    before = all_now()
    with pytest.raises(AboveLimit):
        clear(maker, fee)
    assert all_now() == before


def test_the_same_form_twice_is_one_request(
    acme: Company, fee: Item, maker: Actor, checker: Actor
) -> None:
    form, wanted = uuid7(), ClearingAsked(fee.pk, Target.FEES, 20, "a fee", "DESK-2")
    assert request_clearing(request=wanted, by=maker, id=form) == form
    assert request_clearing(request=wanted, by=maker, id=form) == form
    carried_out(form, checker)
    request_clearing(request=wanted, by=maker, id=form)
    assert Item.objects.get(pk=fee.pk).status == ItemStatus.OPEN
    assert suspense() == [-50, 20]


def test_a_difference_of_a_closed_month_is_cleared_in_an_open_one(
    acme: Company, alice: WalletIdentity, maker: Actor, checker: Actor
) -> None:
    run(acme, as_csv([Booked("b1", -50, "fee", MONTH + timedelta(days=14))]))
    approve(approval=ask(maker), by=checker)
    closed = close(acme.id, MONTH)
    frozen = keeping.frozen_figures(closed)

    entry = carried_out(clear(maker, Item.objects.get(channel=SUSPENSE)), checker)

    assert entry.value_date == now().date()
    roll()
    assert keeping.frozen_figures(closed) == frozen
    assert [one.findings for one in keeping.look()] == [()]


def command_of(company: Company, item: Item, amount: int, by: Actor) -> MovementCommand:
    assert item.entry is not None
    return clear_suspense._command(
        ClearingRequest(
            client=company.id,
            client_name=company.name,
            currency="USD",
            entry=item.entry,
            difference=item.amount,
            amount=amount,
            rail="",
            key=idempotency.made_here(company.id),
            approval=uuid7(),
            reason="found later",
            by=by,
        )
    )


def test_nothing_is_cleared_in_a_closed_month(acme: Company, fee: Item, checker: Actor) -> None:
    close(acme.id, MONTH)
    before = all_now()
    command = command_of(acme, fee, 50, checker)

    with pytest.raises(errors.PeriodClosed):
        group_commit.run(replace(command, value_date=MONTH + timedelta(days=14))).unwrap()

    assert all_now() == before
    assert refusals() == ["period_closed"]


def test_one_list_never_clears_more_than_is_left(acme: Company, fee: Item, checker: Actor) -> None:
    ended = _lists.execute([command_of(acme, fee, amount, checker) for amount in (30, 30, 20, 1)])
    told = [one.error.code if one.error else "ok" for one in ended]
    assert told == ["ok", "clearing_too_large", "ok", "clearing_too_large"]
    assert suspense() == [-50, 30, 20]


def test_a_clearing_waits_while_money_is_stopped(
    acme: Company, fee: Item, maker: Actor, checker: Actor
) -> None:
    approval = clear(maker, fee)
    pause()
    before = books_now()
    assert approve(approval=approval, by=checker).status == Status.APPROVED
    assert carry_out_due(rested=timedelta(0)) == 0
    assert (books_now(), suspense()) == (before, [-50])
    resume()
    switch.forget()
    carry_out_due(rested=timedelta(0))
    assert Approval.objects.get(pk=approval).status == Status.CARRIED_OUT
    assert suspense() == [-50, 50]


def test_what_died_after_the_money_moved_goes_on_and_clears_once(
    acme: Company, fee: Item, maker: Actor, checker: Actor, monkeypatch: Any
) -> None:
    approval = clear(maker, fee)

    class Died(BaseException):
        pass

    def die(*_: Any, **__: Any) -> None:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr("wallets.reconciliation.operations.clear_approved.read_postings", die)
        with pytest.raises(Died):
            approve(approval=approval, by=checker)
    connection.close()
    assert suspense() == [-50, 50]
    assert Approval.objects.get(pk=approval).status == Status.APPROVED
    run(acme)

    done = _carrying.carry_out(approval)

    assert done.status == Status.CARRIED_OUT, done.failure
    assert suspense() == [-50, 50]
    run(acme)
    assert left() == []


@pytest.mark.parametrize(("target", "bank"), [(Target.FEES, -50), (Target.RAIL, 0)])
def test_the_reports_by_channel_and_of_fees_agree_with_the_accounts(
    acme: Company, fee: Item, maker: Actor, checker: Actor, target: Target, bank: int
) -> None:
    carried_out(clear(maker, fee, target=target), checker)
    roll()

    def summed(report: str, basis: str) -> int:
        day = now().date()
        asked = Asked(acme.id, day - timedelta(days=300), day, basis)
        rows: list[Any] = list(REPORTS[report].make(asked).rows)
        return sum(row[-2] - row[-1] for row in rows)

    flow = 100_00 + bank
    assert [summed("channels", basis) for basis in (POSTING, VALUE)] == [flow, flow]
    assert house(RAIL) == -flow
    # What the bank kept lessens the fees that the client has taken.
    given_back = 50 if target is Target.FEES else 0
    assert [summed("fees", basis) for basis in (POSTING, VALUE)] == [given_back, given_back]
    assert house(FEES) == -given_back


@pytest.mark.full_stack
def test_two_who_approve_at_once_clear_once(
    acme: Company, fee: Item, maker: Actor, checker: Actor
) -> None:
    other = person("erin", "checker")
    approval = clear(maker, fee, 30)
    told = at_once(*(partial(approve, approval=approval, by=by) for by in (checker, other)))
    assert sorted(told) == ["approval_decided", "done"]
    assert suspense() == [-50, 30]
    assert Approval.objects.get(pk=approval).status == Status.CARRIED_OUT


@pytest.mark.full_stack
def test_of_two_who_ask_at_once_one_has_the_item(
    acme: Company, fee: Item, maker: Actor, checker: Actor
) -> None:
    told = at_once(*(partial(clear, maker, fee, amount) for amount in (30, 40)))
    assert sorted(told) == ["done", "reconciliation_items_taken"]
    pending = Approval.objects.get(kind="clear_suspense", status=Status.PENDING)
    carried_out(pending.pk, checker)
    assert suspense() == [-50, pending.amount_minor]
