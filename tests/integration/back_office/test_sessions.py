"""Sessions are short, and their cookies go nowhere else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import staff
from tests.integration.back_office.conftest import (
    CODE,
    LOGIN,
    sees_the_admin,
    told,
    type_code,
    type_password,
)
from wallet_project.kit import clock


def later(**time: int) -> Any:
    """Go forward in time."""
    return time_machine.travel(clock.now() + timedelta(**time), tick=True)


def test_who_clicks_stays_and_who_does_not_is_signed_out(alice: User) -> None:
    browser = staff.sign_in(alice)
    for minutes in (20, 40, 60):
        with later(minutes=minutes):
            assert sees_the_admin(browser), "twenty minutes after the click before"
    with later(minutes=60 + 31):
        cache.clear()
        assert not sees_the_admin(browser)


def test_even_a_busy_session_ends_after_eight_hours(alice: User) -> None:
    browser = staff.sign_in(alice)
    for minutes in range(20, 480, 20):
        with later(minutes=minutes):
            assert sees_the_admin(browser)
    with later(minutes=481):
        page = browser.get("/admin/", follow=True)
    assert page.redirect_chain[-1][0].startswith(LOGIN)
    assert b"You were signed out" in page.content
    assert told() == ["user.logout"]


def test_the_password_waits_ten_minutes_for_its_code(alice: User, browser: Client) -> None:
    phone = staff.authenticator(alice)
    type_password(browser)
    with later(minutes=11):
        assert browser.post(CODE, {"code": staff.code_of(phone)}).status_code == 302
        assert not sees_the_admin(browser)
    phone.refresh_from_db()
    assert phone.last_t == -1


def test_cookies_stay_in_the_admin_and_out_of_scripts(
    alice: User, browser: Client, settings: Any
) -> None:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    phone = staff.authenticator(alice)
    browser.get(LOGIN)
    type_password(browser)
    type_code(browser, staff.code_of(phone))
    session = browser.cookies["sessionid"]
    assert session["httponly"] is True
    for cookie in (session, browser.cookies["csrftoken"]):
        assert cookie["secure"] is True
        assert (cookie["path"], cookie["samesite"]) == ("/admin/", "Lax")


def test_the_api_reads_and_writes_no_session(alice: User) -> None:
    browser = staff.sign_in(alice)
    before = list(Session.objects.values())
    with CaptureQueriesContext(connection) as queries:
        answer = browser.get("/health/live")
    assert answer.status_code == 200
    assert not [one for one in queries if "session" in one["sql"]]
    assert "Set-Cookie" not in answer.headers
    assert list(Session.objects.values()) == before


@pytest.mark.parametrize("gone", ["authenticator", "account"])
def test_a_session_ends_with_what_it_stands_on(alice: User, gone: str) -> None:
    browser = staff.sign_in(alice)
    if gone == "authenticator":
        staff.authenticator(alice).delete()
    else:
        User.objects.update(is_active=False)
    assert not sees_the_admin(browser)
