"""Carol asks for what a plan grants to be changed; Dave allows it, and nobody does it alone."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser
from django.urls import reverse

from tests.acting import REASON, act, act_url, audited, list_act
from tests.integration.approvals.desk import person, user_of
from tests.staff import sign_in
from wallet_project.kit.audit import Actor
from wallet_project.kit.ids import uuid7
from wallet_project.kit.models import AuditRecord
from wallets.approvals.errors import OwnRequest
from wallets.approvals.models import Approval, Status
from wallets.approvals.operations.approve import approve
from wallets.approvals.operations.reject import reject
from wallets.models import Plan

WHY = ("--reason", REASON, "--ticket", "DESK-9")


@pytest.fixture
def gold(database: None) -> Iterator[Plan]:
    plan = Plan.objects.create(name="gold", requests_per_minute=500, withdrawals_per_minute=50)
    yield plan
    plan.delete()


@pytest.fixture
def carol(database: None) -> Actor:
    return person("carol", "maker")


@pytest.fixture
def dave(database: None) -> Actor:
    return person("dave", "checker")


def grants(plan: Plan) -> tuple[int | None, int | None]:
    plan.refresh_from_db()
    return plan.requests_per_minute, plan.withdrawals_per_minute


def send(browser: Browser, plan: Plan, **form: Any) -> Any:
    sent = {"ticket": "DESK-9", "request_id": str(uuid7()), **form}
    return act(browser, "wallets.plan", plan.pk, "change", **sent)


def test_the_plans_page_asks_and_another_person_changes_it(
    gold: Plan, carol: Actor, dave: Actor
) -> None:
    maker = sign_in(user_of(carol))
    page = reverse("admin:wallets_plan_change", args=[gold.pk])
    assert act_url("wallets.plan", gold.pk, "change") in maker.get(page).content.decode()

    shown = send(maker, gold, requests_per_minute=7).content.decode()

    assert "Change what a plan grants" in shown
    assert "no limit" in shown
    assert grants(gold) == (500, 50)
    made = Approval.objects.get()
    with pytest.raises(OwnRequest):
        approve(approval=made.pk, by=carol)
    assert grants(gold) == (500, 50)
    assert approve(approval=made.pk, by=dave).status == Status.CARRIED_OUT
    assert grants(gold) == (7, None)
    record = AuditRecord.objects.get(action="plan.change")
    assert (record.actor, record.detail["before"]["requests_per_minute"]) == (dave.id, 500)
    assert record.detail["after"] == {"requests_per_minute": 7, "withdrawals_per_minute": None}


def test_a_checker_alone_changes_no_plan_and_still_makes_one(gold: Plan, dave: Actor) -> None:
    checker = sign_in(user_of(dave))
    assert send(checker, gold, requests_per_minute=7).status_code == 403
    assert (grants(gold), Approval.objects.count()) == ((500, 50), 0)

    list_act(checker, "wallets.plan", "create", name="silver", requests_per_minute=9)

    assert Plan.objects.get(name="silver").requests_per_minute == 9
    Plan.objects.get(name="silver").delete()


def test_a_rejected_change_changes_nothing(gold: Plan, carol: Actor, dave: Actor) -> None:
    send(sign_in(user_of(carol)), gold, requests_per_minute=7)
    reject(approval=Approval.objects.get().pk, by=dave, note="too little")
    assert grants(gold) == (500, 50)
    assert "plan.change" not in [action for action, *_ in audited()]


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"requests_per_minute": 500, "withdrawals_per_minute": 50}, "grants this already"),
        ({"requests_per_minute": 10_000_001}, "A limit is 1 to"),
        ({"requests_per_minute": 7, "ticket": ""}, "This field is required"),
    ],
)
def test_what_cannot_be_asked_for_is_said(
    gold: Plan, carol: Actor, form: dict[str, Any], told: str
) -> None:
    answer = send(sign_in(user_of(carol)), gold, **form)
    assert told in answer.content.decode()
    assert (grants(gold), Approval.objects.count()) == ((500, 50), 0)


def test_the_command_only_asks(gold: Plan, carol: Actor, dave: Actor) -> None:
    out = StringIO()
    words = ("create_plan", "gold", "--change", "--requests-per-minute", "7", "--as", "carol")
    call_command(*words, *WHY, stdout=out, stderr=StringIO())

    made = Approval.objects.get()
    assert out.getvalue().strip() == str(made.pk)
    assert made.requested_by_name == "carol, by create_plan"
    assert grants(gold) == (500, 50)
    assert approve(approval=made.pk, by=dave).status == Status.CARRIED_OUT
    assert grants(gold) == (7, None)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("gold", "--change", "--as", "dave"), "right approvals.request_plan_change"),
        (("gold", "--change", "--as", "nobody"), "no active staff account nobody"),
        (("nothing", "--change", "--as", "carol"), "no plan nothing"),
        (("gold", "--change"), "takes --as and --ticket"),
        (("silver", "--as", "carol"), "takes --as and --ticket"),
    ],
)
def test_what_the_command_may_not_do_is_said(
    gold: Plan, carol: Actor, dave: Actor, words: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("create_plan", *words, "--requests-per-minute", "7", *WHY)
    assert (grants(gold), Approval.objects.count()) == ((500, 50), 0)
    assert not Plan.objects.filter(name="silver").exists()
