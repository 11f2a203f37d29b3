"""A closed month is opened again when one person asks for it and another allows it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse

from ledger.periods.models import Close, Reopening
from tests import staff
from tests.acting import act, act_url
from tests.integration.approvals.desk import person, user_of
from tests.people import Company, asks, books_now
from tests.periods import MONTH, close, is_open, month_ago
from wallet_project.kit.audit import Actor
from wallets import reopening
from wallets.approvals import queries
from wallets.approvals.models import Approval, Status
from wallets.identity import WalletIdentity
from wallets.operations.deposit import deposit

CALENDAR = "periods.calendar"
APPROVAL = "approvals.approval"


@pytest.fixture
def carol(database: None) -> Actor:
    return person("carol", "maker")


@pytest.fixture
def dave(database: None) -> Actor:
    return person("dave", "checker")


@pytest.fixture
def closed(client_acme: Company, alice: WalletIdentity) -> Close:
    request = asks(100, wallet=alice, value_date=MONTH + timedelta(days=3))
    deposit(wallet=alice, request=request)
    return close(client_acme.id, MONTH)


def decide(who: Actor, made: Approval, verb: str) -> Any:
    user = user_of(who)
    code = staff.code_of(staff.authenticator(user))
    url = act_url(APPROVAL, made.pk, verb)
    return staff.sign_in(user).post(url, {"note": "seen", "code": code}, follow=True)


def ask(browser: Browser, made: Close) -> Approval:
    told = act(browser, CALENDAR, made.client, "reopen", ticket="FIN-17", reason="a fee is missing")
    assert "Somebody else has to allow it" in told.content.decode()
    found: Approval = Approval.objects.latest("pk")
    assert told.redirect_chain[-1][0] == reverse("admin:approvals_approval_change", args=[found.pk])
    return found


def test_two_people_open_a_month(carol: Actor, dave: Actor, closed: Close) -> None:
    made = ask(staff.sign_in(user_of(carol)), closed)
    assert not is_open(closed.client, MONTH)
    page = staff.sign_in(user_of(dave)).get(
        reverse("admin:approvals_approval_change", args=[made.pk])
    )
    for text in ("Open a month again", f"{MONTH:%Y-%m}", "taken again", "FIN-17"):
        assert text in page.content.decode()

    told = decide(dave, made, "approve")
    assert "Approved and done." in told.content.decode()
    assert is_open(closed.client, MONTH)
    found = Reopening.objects.get()
    assert (found.close_id, found.actor, found.approved_by) == (closed.pk, carol.id, dave.id)
    page = staff.sign_in(user_of(dave)).get(reverse("admin:periods_close_change", args=[closed.pk]))
    assert f"asked for by {carol.id}, allowed by {dave.id}" in page.content.decode()


@pytest.mark.parametrize("is_superuser", [False, True])
def test_nobody_allows_what_he_has_asked_for(closed: Close, is_superuser: bool) -> None:
    carol = person("carol", "maker", is_superuser=is_superuser)
    browser = staff.sign_in(user_of(carol))
    made = ask(browser, closed)
    page = browser.get(reverse("admin:approvals_approval_change", args=[made.pk]))
    assert "Approve</button>" not in page.content.decode()
    before = books_now()
    assert decide(carol, made, "approve").status_code == 403
    assert queries.get(made.pk).status == Status.PENDING
    assert not is_open(closed.client, MONTH)
    assert not Reopening.objects.exists()
    assert books_now() == before


def test_a_request_that_was_overtaken_fails(carol: Actor, dave: Actor, closed: Close) -> None:
    made = ask(staff.sign_in(user_of(carol)), closed)
    close(closed.client, month_ago(2))
    decide(dave, made, "approve")
    found = queries.get(made.pk)
    assert found.status == Status.FAILED
    assert "has to be opened before" in found.failure
    assert not is_open(closed.client, MONTH)


def test_who_may_not_ask_sees_no_form_and_is_refused(dave: Actor, closed: Close) -> None:
    browser = staff.sign_in(user_of(dave))
    url = act_url(CALENDAR, closed.client, "reopen")
    page = browser.get(reverse("admin:periods_calendar_change", args=[closed.client]))
    assert url not in page.content.decode()
    assert browser.post(url, {"reason": "mine", "ticket": "X-1"}).status_code == 403
    assert not Approval.objects.exists()


def test_nothing_closed_is_nothing_to_open(carol: Actor, client_acme: Company) -> None:
    with pytest.raises(Exception, match="No month of the client is closed"):
        reopening.ask(client=client_acme.id, by=carol, reason="why", ticket="X-1")
