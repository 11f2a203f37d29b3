"""The queue at the browsers of Carol, who asks, and Dave, who decides."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.urls import reverse

from tests import staff
from tests.acting import act_url, queries_of
from tests.integration.approvals.desk import DEEDS, asked, person, user_of
from wallet_project.kit.audit import Actor
from wallet_project.kit.models import AuditRecord
from wallets.approvals import queries
from wallets.approvals.models import Approval, ApprovalLimit, Status

LIST = "admin:approvals_approval_changelist"


def page_of(browser: Browser, made: Approval) -> str:
    answer = browser.get(reverse("admin:approvals_approval_change", args=[made.pk]))
    assert answer.status_code == 200
    return str(answer.content.decode())


def code(user: User, steps: int = 0) -> str:
    return staff.code_of(staff.authenticator(user), steps=steps)


def send(browser: Browser, made: Approval, act: str, **form: Any) -> Any:
    return browser.post(act_url("approvals.approval", made.pk, act), form, follow=True)


def test_a_request_is_found_read_approved_and_told(maker: Actor, checker: Actor) -> None:
    made = asked(maker, amount=1250, currency="USD")
    dave = staff.sign_in(user_of(checker))

    listed = dave.get(reverse(LIST)).content.decode()
    assert "Do a deed" in listed and "12.50" in listed
    page = page_of(dave, made)
    for text in ("as it is", "otherwise", "booked twice", "DESK-1", "carol", "Approve", "Reject"):
        assert text in page
    assert "Withdraw" not in page

    told = send(dave, made, "approve", note="seen", code=code(user_of(checker)))
    assert "Approved and done." in told.content.decode()
    assert queries.get(made.pk).status == Status.CARRIED_OUT
    assert "Approve</button>" not in page_of(dave, made)
    assert str(made.pk) not in dave.get(reverse(LIST)).content.decode()
    assert AuditRecord.objects.filter(action="approval.view", subject=str(made.pk)).count() >= 2


@pytest.mark.parametrize("is_superuser", [False, True])
def test_own_requests_have_no_buttons_and_a_crafted_form_is_refused(
    database: None, is_superuser: bool
) -> None:
    carol = person("carol", "maker", is_superuser=is_superuser)
    made = asked(carol)
    browser = staff.sign_in(user_of(carol))

    page = page_of(browser, made)
    assert "Approve</button>" not in page and "Reject</button>" not in page
    assert "nobody decides about a request of his own" in page
    assert "Withdraw" in page
    for act in ("approve", "reject"):
        answer = send(browser, made, act, note="mine", code=code(user_of(carol)))
        assert answer.status_code == 403
    assert (queries.get(made.pk).status, DEEDS.done) == (Status.PENDING, [])
    assert send(browser, made, "withdraw").status_code == 200
    assert queries.get(made.pk).status == Status.WITHDRAWN


@pytest.mark.parametrize("role", ["viewer", "maker", "auditor", "operator"])
def test_who_may_not_decide_sees_it_and_has_no_form(maker: Actor, role: str) -> None:
    made = asked(maker)
    frank = person("frank", role)
    browser = staff.sign_in(user_of(frank))

    page = page_of(browser, made)
    assert "</button>" not in page.partition("What can be done")[2].partition("</section>")[0]
    answer = send(browser, made, "approve", code=code(user_of(frank)))
    assert answer.status_code == 403
    assert queries.get(made.pk).status == Status.PENDING


def test_an_approval_takes_a_fresh_code(maker: Actor, checker: Actor) -> None:
    made = asked(maker)
    user = user_of(checker)
    dave = staff.sign_in(user)

    assert send(dave, made, "approve").status_code == 400
    wrong = send(dave, made, "approve", code="000000")
    assert "code is wrong" in wrong.content.decode()
    assert queries.get(made.pk).status == Status.PENDING
    assert AuditRecord.objects.filter(action="user.code_refused").count() == 1


def test_a_code_is_worth_one_approval(maker: Actor, checker: Actor) -> None:
    first, second = asked(maker), asked(maker)
    dave, now = staff.sign_in(user_of(checker)), code(user_of(checker))

    send(dave, first, "approve", code=now)
    again = send(dave, second, "approve", code=now)

    assert "used already" in again.content.decode()
    assert queries.get(second.pk).status == Status.PENDING


def test_a_rejection_needs_a_note_and_no_code(maker: Actor, checker: Actor) -> None:
    made = asked(maker)
    dave = staff.sign_in(user_of(checker))
    assert send(dave, made, "reject").status_code == 400
    assert "Rejected" in send(dave, made, "reject", note="no slip").content.decode()
    assert queries.get(made.pk).decision_note == "no slip"


def test_what_was_decided_meanwhile_is_told(maker: Actor, checker: Actor) -> None:
    made = asked(maker)
    dave = staff.sign_in(user_of(checker))
    page_of(dave, made)
    send(staff.sign_in(user_of(person("erin", "checker"))), made, "reject", note="no")

    told = send(dave, made, "approve", code=code(user_of(checker))).content.decode()

    assert "rejected already" in told
    assert DEEDS.done == []


def test_the_home_page_tells_how_many_wait(maker: Actor, checker: Actor) -> None:
    asked(maker)
    asked(maker)
    page = staff.sign_in(user_of(checker)).get(reverse("admin:index")).content.decode()
    assert "Waiting for approval" in page


def test_only_superusers_set_limits_and_it_is_kept(checker: Actor) -> None:
    form = {"role": "maker", "currency": "usd", "request_max": 5000, "approve_max": ""}
    add = reverse("admin:approvals_approvallimit_add")
    dave = staff.sign_in(user_of(checker))
    assert dave.get(reverse("admin:approvals_approvallimit_changelist")).status_code == 200
    assert dave.post(add, form).status_code == 403
    root = staff.superuser("root")
    assert root.post(add, form | {"currency": "XXX"}).status_code == 200
    assert ApprovalLimit.objects.count() == 0

    root.post(add, form)

    limit = ApprovalLimit.objects.get()
    assert (limit.currency, limit.request_max, limit.approve_max) == ("USD", 5000, None)
    kept = AuditRecord.objects.get(action="approvallimit.set")
    assert (kept.actor_name, kept.detail["after"]["request_max"]) == ("root", 5000)
    root.post(reverse("admin:approvals_approvallimit_delete", args=[limit.pk]), {"post": "yes"})
    assert AuditRecord.objects.get(action="approvallimit.remove").detail["after"] is None


def test_the_queue_costs_the_same_however_many_wait(maker: Actor, checker: Actor) -> None:
    dave = staff.sign_in(user_of(checker))
    asked(maker)
    before = queries_of(dave, reverse(LIST))
    for _ in range(6):
        asked(maker)
    assert queries_of(dave, reverse(LIST)) == before


def test_a_right_code_straight_after_a_wrong_one_is_told_to_wait(
    maker: Actor, checker: Actor
) -> None:
    made = asked(maker)
    user = user_of(checker)
    dave = staff.sign_in(user)

    wrong = send(dave, made, "approve", note="the slip is here", code="000000")
    right = send(dave, made, "approve", note="the slip is here", code=code(user))

    assert "the slip is here</textarea>" in wrong.content.decode()
    told = right.content.decode()
    assert "Wait a second and send again." in told
    assert "used already" not in told
    assert "the slip is here</textarea>" in told
    assert (queries.get(made.pk).status, DEEDS.done) == (Status.PENDING, [])


def test_what_it_does_and_the_forms_come_before_the_record(maker: Actor, checker: Actor) -> None:
    made = asked(maker)
    page = page_of(staff.sign_in(user_of(checker)), made)

    places = [page.index(text) for text in ("as it is", "Approve</button>", "Reject</button>")]
    assert [*places, page.index("Hash (SHA-256)")] == sorted([*places, page.index("Hash (SHA")])
    assert page.count("<details") == page.count(" open>") == 2
