"""Months are closed in the back office by whoever may, and looked at by others."""

from __future__ import annotations

from datetime import timedelta

from django.test import Client
from django.urls import reverse

from ledger.periods.models import Calendar, Close
from tests.acting import REASON, act, act_url, audited, list_act
from tests.people import Company, asks
from tests.periods import close, finish, is_open, month_ago
from tests.staff import member
from wallets.identity import WalletIdentity
from wallets.operations.deposit import deposit

MONTH = month_ago(3)
MODEL = "periods.calendar"
SEES = ("periods.view_calendar", "periods.view_close", "periods.view_closingfigure")


def controller() -> Client:
    return member("fiona", *SEES, "periods.close_period", "periods.set_time_zone")


def put(wallet: WalletIdentity, amount: int) -> None:
    request = asks(amount, wallet=wallet, value_date=MONTH + timedelta(days=3))
    deposit(wallet=wallet, request=request)


def test_a_month_is_closed_from_the_list_and_the_next_from_the_page(
    client_acme: Company, alice: WalletIdentity
) -> None:
    put(alice, 1_234)
    browser = controller()
    sent = list_act(browser, MODEL, "close_first", client=client_acme.id, month=f"{MONTH:%Y-%m}")
    assert sent.status_code == 302
    assert not is_open(client_acme.id, MONTH)
    made = finish(client_acme.id)

    page = browser.get(reverse("admin:periods_close_change", args=[made.pk])).content.decode()
    assert "12.34" in page
    assert bytes(made.figures_hash).hex() in page
    calendar = browser.get(reverse("admin:periods_calendar_change", args=[client_acme.id]))
    assert f"{MONTH:%Y-%m}" in calendar.content.decode()
    assert f"{month_ago(2):%Y-%m}" in calendar.content.decode()
    told = act(browser, MODEL, client_acme.id, "close", month=f"{month_ago(2):%Y-%m}")
    assert "is barred" in told.content.decode()
    told = act(browser, MODEL, client_acme.id, "give_up")
    assert "given up" in told.content.decode()
    assert [(name, reason) for name, _, reason in audited() if name.startswith("period.")] == [
        ("period.bar", REASON),
        ("period.close", REASON),
        ("period.bar", REASON),
        ("period.give_up", REASON),
    ]


def test_what_cannot_be_closed_is_told(client_acme: Company, client_globex: Company) -> None:
    close(client_acme.id, MONTH)
    browser = controller()
    told = act(browser, MODEL, client_acme.id, "close", month=f"{month_ago(1):%Y-%m}")
    assert "is to be closed before" in told.content.decode()
    for month in ("2026-13", "last", ""):
        sent = list_act(browser, MODEL, "close_first", client=client_globex.id, month=month)
        assert sent.status_code == 400
    sent = list_act(browser, MODEL, "close_first", client=999_999, month=f"{MONTH:%Y-%m}")
    assert "There is no client" in sent.content.decode()
    assert Close.objects.count() == 1


def test_a_time_zone_has_to_exist(client_acme: Company) -> None:
    browser = controller()
    sent = list_act(
        browser, MODEL, "set_first_zone", client=client_acme.id, time_zone="Pacific/Auckland"
    )
    assert sent.status_code == 302
    sent = act(browser, MODEL, client_acme.id, "set_zone", time_zone="../../etc/passwd")
    assert "There is no time zone" in sent.content.decode()
    assert Calendar.objects.get().time_zone == "Pacific/Auckland"


def test_who_may_only_look_sees_no_form_and_is_refused(client_acme: Company) -> None:
    made = close(client_acme.id, MONTH)
    browser = member("vera", *SEES)
    page = browser.get(reverse("admin:periods_calendar_change", args=[client_acme.id]))
    assert page.status_code == 200
    assert act_url(MODEL, client_acme.id, "close") not in page.content.decode()
    sent = browser.post(act_url(MODEL, client_acme.id, "close"), {"reason": REASON})
    assert sent.status_code == 403
    url = reverse("admin:periods_close_change", args=[made.pk])
    assert browser.post(url, {"month": "2020-01"}).status_code == 403
