"""Carol asks for all money to be stopped, Dave approves; and back again the same way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse

from tests import staff
from tests.acting import act_url
from tests.http import Api
from tests.integration.approvals.desk import person, user_of
from tests.people import Company, balance, books_now, fund
from wallet_project.kit.audit import Actor
from wallet_project.kit.ids import uuid7
from wallet_project.kit.models import AuditRecord
from wallets import credentials
from wallets.approvals import queries
from wallets.approvals.models import Approval, Status
from wallets.identity import WalletIdentity
from wallets.safeguards import switch
from wallets.safeguards.models import WriteSwitch

HOME = "admin:index"


@pytest.fixture(autouse=True)
def _nothing_heard(database: None) -> Iterator[None]:
    switch.forget()
    yield
    switch.forget()


def form_of(act: str) -> str:
    return reverse("admin:approvals_approval_list_act", args=[act])


def ask(carol: Browser, act: str) -> Approval:
    """Send the form as the page shows it, and return the request that came of it."""
    assert carol.get(form_of(act)).status_code == 200
    request_id = uuid7()
    form = {"reason": "the books disagree", "ticket": "OPS-1", "request_id": str(request_id)}
    assert carol.post(form_of(act), form).status_code == 302
    assert carol.post(form_of(act), form).status_code == 302, "sent twice it is one request"
    return queries.get(request_id)


def decide(by: Actor, made: Approval, *, steps: int = 0) -> Any:
    user = user_of(by)
    browser = staff.sign_in(user)
    code = staff.code_of(staff.authenticator(user), steps=steps)
    form = {"note": "seen", "code": code}
    answer = browser.post(act_url("approvals.approval", made.pk, "approve"), form, follow=True)
    credentials.forget_all()  # four seconds later
    return answer


def pay_in(acme: Api, wallet: WalletIdentity, reference: str) -> Any:
    path = f"/wallets/{wallet.id}/deposit"
    return acme.post(path, {"amount": "1.00", "referenceId": reference})


def test_two_people_stop_money_and_two_let_it_move_again(
    maker: Actor, checker: Actor, client_acme: Company, alice: WalletIdentity
) -> None:
    fund(alice, 1_000)
    acme, carol = Api(client_acme.key), staff.sign_in(user_of(maker))
    assert form_of("pause") in carol.get(reverse(HOME)).content.decode()
    stop = ask(carol, "pause")
    assert pay_in(acme, alice, "r1").status == 201, "asked for is not done"

    assert "Approved and done." in decide(checker, stop).content.decode()

    before = books_now()
    refused = pay_in(acme, alice, "r2")
    assert (refused.status, refused.json["code"]) == (503, "writes_paused")
    assert books_now() == before
    assert acme.get(f"/wallets/{alice.id}/balance").status == 200
    assert form_of("resume") in carol.get(reverse(HOME)).content.decode(), "the banner leads there"

    go_on = ask(carol, "resume")
    assert pay_in(acme, alice, "r2").status == 503, "asked for is not done"
    assert "Approved and done." in decide(checker, go_on, steps=1).content.decode()

    assert pay_in(acme, alice, "r2").status == 201
    assert balance(alice) == 1_200
    turned = AuditRecord.objects.filter(action__startswith="writes.").order_by("pk")
    assert [(one.action, one.actor, one.reason) for one in turned] == [
        ("writes.pause", checker.id, "the books disagree"),
        ("writes.resume", checker.id, "the books disagree"),
    ]


@pytest.mark.parametrize("act", ["pause", "resume"])
def test_nobody_approves_it_alone(
    database: None, client_acme: Company, alice: WalletIdentity, act: str
) -> None:
    root = person("root", "maker", is_superuser=True)
    made = ask(staff.sign_in(user_of(root)), act)
    before = books_now()

    answer = decide(root, made)

    assert "Approved and done." not in answer.content.decode()
    assert queries.get(made.pk).status == Status.PENDING
    assert not WriteSwitch.objects.exists()
    assert not AuditRecord.objects.filter(action__startswith="writes.").exists()
    assert books_now() == before
    assert pay_in(Api(client_acme.key), alice, "r1").status == 201


@pytest.mark.parametrize("missing", ["reason", "ticket"])
def test_without_a_reason_or_a_ticket_nothing_is_asked_for(maker: Actor, missing: str) -> None:
    form = {"reason": "the books disagree", "ticket": "OPS-1", "request_id": str(uuid7())}
    answer = staff.sign_in(user_of(maker)).post(form_of("pause"), form | {missing: " "})
    assert answer.status_code == 400
    assert not Approval.objects.exists()
