"""Two steps lead into the back office, and nothing leads past them."""

from __future__ import annotations

import re

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests import staff
from tests.integration.back_office.conftest import (
    CODE,
    ENROL,
    LOGIN,
    led_to,
    refusing,
    sees_the_admin,
    told,
    type_code,
    type_password,
)
from wallet_project.kit import clock
from wallet_project.kit.models import AuditRecord


def enrol(browser: Client) -> list[str]:
    """Walk through the enrolment as Alice does; return the recovery codes she is shown."""
    type_password(browser)
    text = browser.get(ENROL).content.decode()
    secret = re.search(r"<code[^>]*>([A-Z2-7]{32})</code>", text)
    assert secret
    key = browser.session["enrolment_key"]
    page = type_code(browser, staff.code_of(TOTPDevice(key=key)), ENROL).content.decode()
    return re.findall(r"<code[^>]*>([a-z2-9]{5}-[a-z2-9]{5})</code>", page)


def test_password_and_code_lead_in(alice: User, browser: Client) -> None:
    phone = staff.authenticator(alice)
    assert not sees_the_admin(browser)
    first = type_password(browser)
    assert (first.status_code, led_to(first)) == (302, CODE)
    assert not sees_the_admin(browser), "the password alone is not enough"
    assert led_to(type_code(browser, staff.code_of(phone))) == reverse("admin:index")
    assert sees_the_admin(browser)
    (login,) = AuditRecord.objects.all()
    assert (login.action, login.actor, login.actor_name) == (
        "user.login",
        f"staff:{alice.pk}",
        "alice",
    )
    assert login.detail == {"with": "code"}


def test_the_page_asked_for_is_the_page_shown_and_no_other_site(
    alice: User, browser: Client
) -> None:
    phone = staff.authenticator(alice)
    asked = browser.get("/admin/wallets/wallet/")
    shown = browser.post(
        asked.headers["Location"], {"username": "alice", "password": staff.PASSWORD}
    )
    there = browser.post(shown.headers["Location"], {"code": staff.code_of(phone)})
    assert led_to(there) == "/admin/wallets/wallet/"
    for elsewhere in ("https://evil.example/admin/", "//evil.example/admin/", "/api/docs/"):
        other = Client()
        type_password(other)
        sent = other.post(CODE, {"code": staff.code_of(phone, steps=1), "next": elsewhere})
        goal = sent.headers.get("Location", "")
        assert "evil" not in goal
        assert "/api" not in goal


@pytest.mark.parametrize(
    "url", ["index", "wallets_wallet_changelist", "auth_user_changelist", "password_change",
            "security", "jsi18n", "search"],
)  # fmt: skip
def test_the_password_alone_shows_no_page(alice: User, browser: Client, url: str) -> None:
    staff.authenticator(alice)
    type_password(browser)
    page = browser.get(reverse(f"admin:{url}"))
    assert (page.status_code, led_to(page)) == (302, LOGIN)
    assert browser.post(reverse(f"admin:{url}")).status_code in (302, 403)


def test_a_code_is_taken_once(alice: User, browser: Client) -> None:
    phone = staff.authenticator(alice)
    code = staff.code_of(phone)
    type_password(browser)
    type_code(browser, code)
    second = Client()
    type_password(second)
    page = type_code(second, code)
    assert (page.status_code, b"used already" in page.content) == (200, True)
    assert not sees_the_admin(second)
    assert told() == ["user.login", "user.login_failed"]


def test_guesses_are_slowed_down_and_the_right_code_does_not_help_meanwhile(
    alice: User, browser: Client
) -> None:
    phone = staff.authenticator(alice)
    type_password(browser)
    wrong = f"{(int(staff.code_of(phone)) + 1) % 1_000_000:06d}"
    with time_machine.travel(clock.now(), tick=False):
        for guess in (wrong, wrong, wrong):
            type_code(browser, guess)
        page = type_code(browser, staff.code_of(phone))
    assert b"Too many wrong codes. Try again after " in page.content
    assert not sees_the_admin(browser)
    phone.refresh_from_db()
    assert phone.throttling_failure_count == 1, "the others were not even looked at"


def test_who_has_no_authenticator_is_led_to_one(alice: User, browser: Client) -> None:
    assert led_to(type_password(browser)) == ENROL
    page = browser.get(ENROL)
    assert b"data:image/svg+xml" in page.content
    assert not sees_the_admin(browser)
    wrong = type_code(browser, "000000", ENROL)
    assert b"not the code of now" in wrong.content
    assert not TOTPDevice.objects.exists()
    codes = enrol(browser)
    assert len(set(codes)) == 10
    assert sees_the_admin(browser)
    assert told() == ["user.enrol", "user.login"]
    assert TOTPDevice.objects.get().confirmed


def test_the_code_that_enrols_lets_in_no_second_time(alice: User, browser: Client) -> None:
    enrol(browser)
    phone = TOTPDevice.objects.get()
    second = Client()
    type_password(second)
    type_code(second, staff.code_of(phone))
    assert not sees_the_admin(second)


def test_nobody_enrols_over_an_authenticator(alice: User, browser: Client) -> None:
    phone = staff.authenticator(alice)
    type_password(browser)
    assert led_to(browser.get(ENROL)) == CODE
    assert led_to(type_code(browser, "123456", ENROL)) == CODE
    assert [one.pk for one in TOTPDevice.objects.all()] == [phone.pk]


def test_a_recovery_code_lets_in_once(alice: User, browser: Client) -> None:
    codes = enrol(browser)
    kept = set(StaticToken.objects.values_list("token", flat=True))
    assert not kept & {code.replace("-", "") for code in codes}, "kept as they are shown"
    for attempt, expected in ((codes[0].upper(), True), (codes[0], False)):
        other = Client()
        type_password(other)
        type_code(other, attempt)
        assert sees_the_admin(other) is expected
    assert StaticToken.objects.count() == 9
    assert AuditRecord.objects.filter(detail={"with": "recovery code"}).count() == 1


def test_new_recovery_codes_need_a_code_and_end_the_former_ones(
    alice: User, browser: Client
) -> None:
    old = enrol(browser)
    phone = TOTPDevice.objects.get()
    refused = browser.post(reverse("admin:security"), {"code": "not one"})
    assert refused.status_code == 200
    assert StaticToken.objects.count() == 10
    assert "user.recovery_codes" not in told()
    TOTPDevice.objects.update(last_t=-1)
    page = browser.post(reverse("admin:security"), {"code": staff.code_of(phone)})
    new = re.findall(r"<code[^>]*>([a-z2-9]{5}-[a-z2-9]{5})</code>", page.content.decode())
    assert (len(new), set(new) & set(old)) == (10, set())
    other = Client()
    type_password(other)
    type_code(other, old[0])
    assert not sees_the_admin(other)
    assert told().count("user.recovery_codes") == 1


def test_the_session_changes_its_key_at_each_step(alice: User, browser: Client) -> None:
    phone = staff.authenticator(alice)
    browser.get(LOGIN)
    keys: list[str] = [str(browser.session.session_key)]
    type_password(browser)
    keys.append(str(browser.session.session_key))
    type_code(browser, staff.code_of(phone))
    keys.append(str(browser.session.session_key))
    assert len(set(keys)) == 3
    planted = Client()
    planted.cookies["sessionid"] = keys[1]
    assert not sees_the_admin(planted)


def test_the_password_again_asks_for_the_code_again(alice: User) -> None:
    browser = staff.sign_in(alice)
    assert sees_the_admin(browser)
    type_password(browser)
    assert not sees_the_admin(browser)


def test_logging_out_works_in_the_middle_too_and_is_kept(alice: User, browser: Client) -> None:
    staff.authenticator(alice)
    type_password(browser)
    assert browser.post(reverse("admin:logout")).status_code in (200, 302)
    assert led_to(browser.get(CODE)) == reverse("admin:index")
    full = staff.sign_in(alice)
    full.post(reverse("admin:logout"))
    assert not sees_the_admin(full)
    assert told() == ["user.logout", "user.logout"]


def test_changing_ones_password_works(alice: User) -> None:
    browser = staff.sign_in(alice)
    new = "quite another sentence"
    form = {"old_password": staff.PASSWORD, "new_password1": new, "new_password2": new}
    assert browser.post(reverse("admin:password_change"), form).status_code == 302
    assert sees_the_admin(browser), "the own session goes on"
    alice.refresh_from_db()
    assert alice.check_password(new)
    assert told() == ["user.change_password"]


def test_who_is_not_staff_gets_no_further_than_the_password(alice: User, browser: Client) -> None:
    User.objects.create_user("mallory", password=staff.PASSWORD)
    assert type_password(browser, "mallory").status_code == 200
    assert browser.get(ENROL).status_code == 302
    assert not TOTPDevice.objects.exists()


@pytest.mark.parametrize(
    ("verb", "table"),
    [("UPDATE", "otp_totp_totpdevice"), ("INSERT", "kit_audit_record")],
)
def test_a_code_that_cannot_be_used_up_or_noted_lets_nobody_in(
    alice: User, browser: Client, verb: str, table: str
) -> None:
    phone = staff.authenticator(alice)
    type_password(browser)
    browser.raise_request_exception = False
    with refusing(verb, table):
        answer = type_code(browser, staff.code_of(phone))
    assert answer.status_code == 500
    assert not sees_the_admin(browser)
    phone.refresh_from_db()
    assert (phone.last_t, told()) == (-1, [])


def test_a_wrong_password_that_cannot_be_counted_is_no_login(alice: User, browser: Client) -> None:
    browser.raise_request_exception = False
    with refusing("INSERT", "axes_accessattempt"):
        assert type_password(browser, password="wrong").status_code == 500
    assert not sees_the_admin(browser)
