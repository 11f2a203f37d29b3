"""A difference goes to suspense when a second person has approved it, once, and is cleared."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from ledger.models import JournalEntry, Posting
from tests.integration.approvals.desk import person
from tests.people import Company, books_now
from tests.reconciling import Booked, as_csv, book, left, run
from wallet_project.kit.audit import Actor
from wallets import idempotency
from wallets.approvals import queries as approvals
from wallets.approvals.errors import NotAllowed, OwnRequest
from wallets.approvals.models import Approval, Status
from wallets.approvals.operations import _carrying
from wallets.approvals.operations.approve import approve
from wallets.approvals.operations.reject import reject
from wallets.identity import WalletIdentity
from wallets.operations.post_difference import DifferenceRequest, post_difference
from wallets.reconciliation import errors, queries
from wallets.reconciliation.models import SUSPENSE, Item, ItemStatus, Match, RuleName
from wallets.reconciliation.operations import request_difference as asking
from wallets.reconciliation.operations.request_difference import DifferenceAsked


@pytest.fixture
def maker(acme: Company) -> Actor:
    return person("alice", "maker")


@pytest.fixture
def checker(acme: Company) -> Actor:
    return person("bob", "checker")


def ask(by: Actor, *items: UUID) -> UUID:
    chosen = items or tuple(Item.objects.filter(status="OPEN").values_list("pk", flat=True))
    wanted = DifferenceAsked(chosen, "the bank took a fee", "DESK-1")
    return asking.request_difference(request=wanted, by=by)


def differ(company: Company, wallet: WalletIdentity, bank: int, books: int) -> None:
    book(wallet, books, "ref-1")
    run(company, as_csv([Booked("b1", bank, "ref-1")]))
    assert len(left()) == 2


def suspense() -> list[int]:
    rows = Posting.objects.filter(account__code="acme:suspense:USD").order_by("pk")
    return list(rows.values_list("amount", flat=True))


@pytest.mark.parametrize(("bank", "books"), [(99_50, 100_00), (100_50, 100_00)])
def test_an_approved_difference_lets_items_agree(
    acme: Company, alice: WalletIdentity, maker: Actor, checker: Actor, bank: int, books: int
) -> None:
    differ(acme, alice, bank, books)
    before = books_now()
    approval = ask(maker)
    assert set(Item.objects.values_list("status", flat=True)) == {"ASKED"}
    assert run(acme).leftovers == 0
    assert books_now() == before

    done = approve(approval=approval, by=checker)

    assert done.status == Status.CARRIED_OUT, done.failure
    assert suspense() == [bank - books]
    match = Match.objects.get()
    assert (match.rule, match.total, match.made_by) == (RuleName.DIFFERENCE, bank, checker.id)
    assert left() == [("POSTING", bank - books, str(approval))]
    item = Item.objects.get(channel=SUSPENSE)
    assert (item.owner, item.entry) == ("alice", done.transaction_id)
    assert run(acme).leftovers == 0


def test_an_extra_line_and_a_missing_one_go_to_suspense_alone(
    acme: Company, alice: WalletIdentity, maker: Actor, checker: Actor
) -> None:
    book(alice, 7_00, "missing")
    run(acme, as_csv([Booked("b1", 3_00, "extra")]))
    for item in Item.objects.order_by("amount"):
        approve(approval=ask(maker, item.pk), by=checker)
    assert suspense() == [3_00, -7_00]
    assert Item.objects.exclude(channel=SUSPENSE).exclude(status="MATCHED").count() == 0


def test_nobody_approves_his_own_difference(
    acme: Company, alice: WalletIdentity, maker: Actor
) -> None:
    differ(acme, alice, 99_50, 100_00)
    approval = ask(maker)
    before = books_now()
    with pytest.raises(OwnRequest):
        approve(approval=approval, by=maker)
    assert books_now() == before
    assert approvals.get(approval).status == Status.PENDING


def test_a_checker_asks_for_nothing(acme: Company, alice: WalletIdentity, checker: Actor) -> None:
    differ(acme, alice, 99_50, 100_00)
    with pytest.raises(NotAllowed):
        ask(checker)
    assert len(left()) == 2
    assert not Approval.objects.exists()


def test_a_rejected_difference_lets_its_items_go(
    acme: Company, alice: WalletIdentity, maker: Actor, checker: Actor
) -> None:
    differ(acme, alice, 99_50, 100_00)
    before = books_now()
    reject(approval=ask(maker), by=checker, note="ask the bank first")
    assert run(acme).leftovers == 2
    assert books_now() == before


def test_items_wait_for_one_request_only(
    acme: Company, alice: WalletIdentity, maker: Actor
) -> None:
    differ(acme, alice, 99_50, 100_00)
    ids = tuple(Item.objects.values_list("pk", flat=True))
    ask(maker, *ids)
    with pytest.raises(errors.ItemsTaken):
        ask(maker, *ids)
    assert Approval.objects.count() == 1


def test_sums_that_agree_are_no_difference(
    acme: Company, alice: WalletIdentity, maker: Actor
) -> None:
    book(alice, 10_00, "a")
    run(acme, as_csv([Booked("b1", 10_00, "b")]))
    with pytest.raises(errors.NoDifference):
        ask(maker)


def test_what_died_after_the_money_moved_goes_on_and_pays_once(
    acme: Company, alice: WalletIdentity, maker: Actor, checker: Actor, monkeypatch: Any
) -> None:
    differ(acme, alice, 99_50, 100_00)
    approval = ask(maker)

    class Died(BaseException):
        pass

    def die(*_: Any, **__: Any) -> None:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr("wallets.reconciliation.operations.post_approved._match", die)
        with pytest.raises(Died):
            approve(approval=approval, by=checker)
    connection.close()
    assert suspense() == [-50]
    assert approvals.get(approval).status == Status.APPROVED
    run(acme, as_csv([Booked("b9", -50)]))
    assert not Match.objects.exists(), "no rule takes what the items wait for"

    done = _carrying.carry_out(approval)

    assert done.status == Status.CARRIED_OUT, done.failure
    assert suspense() == [-50]
    assert Match.objects.get().rule == RuleName.DIFFERENCE


def test_suspense_is_told_by_age_and_owner(
    acme: Company, alice: WalletIdentity, maker: Actor, checker: Actor
) -> None:
    differ(acme, alice, 99_50, 100_00)
    approve(approval=ask(maker), by=checker)
    item = Item.objects.get(channel=SUSPENSE)
    told = {
        days: [
            (one.age, one.owner, one.items, one.amount)
            for one in queries.suspense_ages(item.day + timedelta(days=days))
        ]
        for days in (0, 1, 2, 7, 8, 30, 31)
    }
    assert {days: found[0][0] for days, found in told.items()} == {
        0: "0-1 days",
        1: "0-1 days",
        2: "2-7 days",
        7: "2-7 days",
        8: "8-30 days",
        30: "8-30 days",
        31: "over 30 days",
    }
    assert all(found[0][1:] == ("alice", 1, -50) for found in told.values())


def test_what_comes_back_with_the_reference_clears_suspense(
    acme: Company, alice: WalletIdentity, maker: Actor, checker: Actor
) -> None:
    differ(acme, alice, 99_50, 100_00)
    approval = ask(maker)
    approve(approval=approval, by=checker)
    key = idempotency.from_header(acme.id, "back")
    post_difference(
        request=DifferenceRequest(
            acme.id, acme.name, "bank", "USD", 50, key, approval, "paid back", checker
        )
    )
    run(acme)
    assert Match.objects.filter(rule=RuleName.CLEARED).count() == 1
    assert not Item.objects.filter(channel=SUSPENSE, status=ItemStatus.OPEN).exists()
    assert JournalEntry.objects.filter(reference=str(approval)).count() == 2
