"""One person asks, another one decides, and it is done exactly once."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError

from tests.integration.approvals.desk import DEEDS, SUBJECT, asked, person, user_of
from wallet_project.kit.audit import Actor
from wallet_project.kit.errors import DomainError, Unavailable
from wallet_project.kit.ids import uuid7
from wallet_project.kit.models import AuditRecord
from wallets import errors as business
from wallets.approvals import errors, queries
from wallets.approvals.models import Approval, ApprovalLimit, Status
from wallets.approvals.operations.approve import approve
from wallets.approvals.operations.carry_out_due import carry_out_due
from wallets.approvals.operations.reject import reject
from wallets.approvals.operations.request_approval import request_approval
from wallets.approvals.operations.withdraw import withdraw
from wallets.approvals.registry import Asked

NOW = timedelta(0)


def told() -> list[tuple[str, str]]:
    """List the acts of the audit log with who did them."""
    rows = AuditRecord.objects.order_by("id").values_list("action", "actor_name")
    return [row for row in rows if row[0].startswith("approval.")]


def test_what_one_asks_for_another_approves_and_it_is_done(maker: Actor, checker: Actor) -> None:
    made = asked(maker, amount=500, currency="USD")

    done = approve(approval=made.pk, by=checker, note="seen the slip")

    assert (done.status, done.outcome) == (Status.CARRIED_OUT, f"Done for {checker.id}.")
    assert DEEDS.done == [made.pk]
    assert told() == [
        ("approval.request", "carol"),
        ("approval.approve", "dave"),
        ("approval.carry_out", "dave"),
    ]
    assert AuditRecord.objects.get(action="approval.approve").reason == "seen the slip"


@pytest.mark.parametrize("superuser", [False, True])
def test_nobody_approves_or_rejects_what_he_asked_for(database: None, superuser: bool) -> None:
    frank = person("frank", "maker", is_superuser=superuser)
    made = asked(frank)

    with pytest.raises(errors.OwnRequest):
        approve(approval=made.pk, by=frank)
    with pytest.raises(errors.OwnRequest):
        reject(approval=made.pk, by=frank, note="no")

    assert queries.get(made.pk).status == Status.PENDING
    assert DEEDS.done == []


def test_who_has_not_the_right_neither_asks_nor_decides(maker: Actor, checker: Actor) -> None:
    other = person("frank", "viewer")
    command = Actor("command:rebuild_balances")
    made = asked(maker)

    for by in (other, checker, command):
        with pytest.raises(errors.NotAllowed):
            asked(by)
    for by in (other, person("grace", "maker"), command):
        with pytest.raises(errors.NotAllowed):
            approve(approval=made.pk, by=by)
        with pytest.raises(errors.NotAllowed):
            reject(approval=made.pk, by=by, note="no")
        with pytest.raises(errors.NotAllowed):
            withdraw(approval=made.pk, by=by)

    assert (Approval.objects.count(), DEEDS.done) == (1, [])


def test_a_request_of_somebody_who_lost_the_role_is_not_approved(
    maker: Actor, checker: Actor
) -> None:
    made = asked(maker)
    user_of(maker).groups.clear()

    with pytest.raises(errors.RequesterNotAllowed, match="carol"):
        approve(approval=made.pk, by=checker)

    assert DEEDS.done == []
    assert reject(approval=made.pk, by=checker, note="she left").status == Status.REJECTED


@pytest.mark.parametrize("who", ["maker", "checker"])
def test_an_account_that_was_made_inactive_neither_asks_nor_approves(
    maker: Actor, checker: Actor, who: str
) -> None:
    made = asked(maker)
    user = user_of(maker if who == "maker" else checker)
    user.is_active = False
    user.save()

    with pytest.raises((errors.RequesterNotAllowed, errors.NotAllowed)):
        approve(approval=made.pk, by=checker)

    assert (queries.get(made.pk).status, DEEDS.done) == (Status.PENDING, [])


def test_a_checker_who_lost_the_role_does_not_approve(maker: Actor, checker: Actor) -> None:
    made = asked(maker)
    user_of(checker).groups.set(Group.objects.filter(name="viewer"))

    with pytest.raises(errors.NotAllowed):
        approve(approval=made.pk, by=checker)

    assert DEEDS.done == []


def test_amounts_above_a_roles_limit_take_a_superuser(
    maker: Actor, checker: Actor, settings: Any
) -> None:
    settings.APPROVAL_LIMIT_DEFAULT = 10
    ApprovalLimit.objects.create(role="maker", currency="USD", request_max=5_000, approve_max=0)
    ApprovalLimit.objects.create(role="checker", currency="USD", request_max=0, approve_max=2_000)

    with pytest.raises(errors.AboveLimit, match=r"50\.00 USD"):
        asked(maker, amount=5_001, currency="USD")
    made = asked(maker, amount=5_000, currency="USD")
    with pytest.raises(errors.AboveLimit, match=r"20\.00 USD"):
        approve(approval=made.pk, by=checker)
    assert DEEDS.done == []
    assert approve(approval=made.pk, by=person("root", is_superuser=True)).status == "CARRIED_OUT"
    with pytest.raises(errors.AboveLimit, match="10 JPY"):
        asked(maker, amount=11, currency="JPY")
    ApprovalLimit.objects.create(role="maker", currency="JPY")
    assert asked(maker, amount=10**9, currency="JPY").status == Status.PENDING


def test_a_limit_that_is_lowered_counts_for_what_waits(maker: Actor, checker: Actor) -> None:
    made = asked(maker, amount=5_000, currency="USD")
    ApprovalLimit.objects.create(role="maker", currency="USD", request_max=4_999)

    with pytest.raises(errors.RequesterNotAllowed):
        approve(approval=made.pk, by=checker)

    assert DEEDS.done == []


def test_what_was_decided_is_decided_once(maker: Actor, checker: Actor) -> None:
    made = asked(maker)
    reject(approval=made.pk, by=checker, note="no")

    for act in (
        partial(approve, approval=made.pk, by=checker),
        partial(reject, approval=made.pk, by=checker, note="no"),
        partial(withdraw, approval=made.pk, by=maker),
    ):
        with pytest.raises(errors.ApprovalDecided, match="rejected"):
            act()

    assert DEEDS.done == []


def test_who_asked_withdraws_and_nobody_else(maker: Actor, checker: Actor) -> None:
    made = asked(maker)
    with pytest.raises(errors.NotAllowed):
        withdraw(approval=made.pk, by=checker)
    assert withdraw(approval=made.pk, by=maker).status == Status.WITHDRAWN
    with pytest.raises(errors.ApprovalDecided, match="withdrawn"):
        approve(approval=made.pk, by=checker)
    assert DEEDS.done == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": " "},
        {"ticket": ""},
        {"subject": ""},
        {"ticket": "x" * 101},
        {"kind": "no_kind"},
        {"amount": 0, "currency": "USD"},
        {"amount": -5, "currency": "USD"},
        {"amount": 5, "currency": "XXX"},
        {"payload": {"rate": 0.5}},
        {"payload": {"deep": [{"rate": 0.5}]}},
        {"subject": "nothing"},
    ],
)
def test_a_request_that_says_too_little_or_nonsense_is_refused(
    maker: Actor, wrong: dict[str, Any]
) -> None:
    with pytest.raises(DomainError) as refusal:
        asked(maker, **wrong)
    assert refusal.value.detail
    assert (Approval.objects.count(), told()) == (0, [])


def test_a_form_that_is_sent_twice_makes_one_request(maker: Actor) -> None:
    ask = Asked("test_deed", SUBJECT, "why", "T-1", {"a": 1})
    key = uuid7()

    first = request_approval(ask=ask, by=maker, id=key)
    again = request_approval(ask=ask, by=maker, id=key)

    assert first.pk == again.pk
    assert Approval.objects.count() == 1
    with pytest.raises(errors.RequestInvalid):
        request_approval(ask=Asked("test_deed", SUBJECT, "why", "T-1", {"a": 2}), by=maker, id=key)


def test_only_options_of_the_kind_can_be_allowed(maker: Actor, checker: Actor) -> None:
    made = asked(maker)
    with pytest.raises(errors.RequestInvalid, match="all"):
        approve(approval=made.pk, by=checker, allow={"all"})
    assert DEEDS.done == []
    assert approve(approval=made.pk, by=checker, allow={"more"}).allows("more")


def test_an_effect_that_is_refused_is_told_and_final(maker: Actor, checker: Actor) -> None:
    made = asked(maker)
    DEEDS.raises = business.WalletClosed("A closed wallet takes nothing.")

    done = approve(approval=made.pk, by=checker)

    assert (done.status, done.failure) == (Status.FAILED, "A closed wallet takes nothing.")
    assert (carry_out_due(rested=NOW), DEEDS.done) == (0, [])
    assert told()[-1] == ("approval.fail", "dave")


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("when", ["raises", "dies"])
@pytest.mark.parametrize("how", [Killed(), OperationalError(2013, "lost"), Unavailable("not now")])
def test_what_was_approved_is_done_once_whenever_its_process_dies(
    maker: Actor, checker: Actor, when: str, how: BaseException
) -> None:
    made = asked(maker)
    setattr(DEEDS, when, how)
    with contextlib.suppress(Killed, OperationalError):
        approve(approval=made.pk, by=checker)
    assert queries.get(made.pk).status == Status.APPROVED
    assert DEEDS.done == ([made.pk] if when == "dies" else [])

    assert carry_out_due() == 0, "who approved it may still be at work"
    assert carry_out_due(rested=NOW) == 1

    found = queries.get(made.pk)
    assert (found.status, found.attempts) == (Status.CARRIED_OUT, 1)
    assert DEEDS.done == [made.pk]
    assert found.outcome == f"Done for {checker.id}."
    assert carry_out_due(rested=NOW) == 0


def test_one_that_always_breaks_keeps_no_other_waiting(maker: Actor, checker: Actor) -> None:
    first, second = asked(maker), asked(maker)
    for made in (first, second):
        DEEDS.raises = Killed()
        with pytest.raises(Killed):
            approve(approval=made.pk, by=checker)

    DEEDS.raises = Killed()
    with pytest.raises(Killed):
        carry_out_due(rested=NOW)
    assert carry_out_due(rested=NOW) == 2
    assert sorted(DEEDS.done) == sorted([first.pk, second.pk])
