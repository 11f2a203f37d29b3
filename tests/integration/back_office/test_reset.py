"""A lost phone: somebody else takes the second factor away, and says why."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.urls import reverse
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests import staff
from tests.integration.back_office.conftest import (
    ENROL,
    LOGIN,
    led_to,
    sees_the_admin,
    told,
    type_password,
)
from wallet_project.back_office import second_factor
from wallet_project.kit.models import AuditRecord


def run(*words: str) -> str:
    out = StringIO()
    call_command("reset_totp", *words, stdout=out, stderr=out)
    return out.getvalue()


def test_the_command_resets_and_the_next_login_enrols(alice: User) -> None:
    browser = staff.sign_in(alice)
    assert run("alice", "--reason", "phone lost", "--dry-run").startswith("alice has an")
    assert sees_the_admin(browser)
    assert told() == []
    run("alice", "--reason", "phone lost")
    assert not sees_the_admin(browser), "what was signed in with it is signed out"
    assert led_to(type_password(browser)) == ENROL
    kept = AuditRecord.objects.get(action="user.reset_totp")
    assert (kept.action, kept.actor) == ("user.reset_totp", "command:reset_totp")
    assert (kept.subject, kept.reason) == (str(alice.pk), "phone lost")


@pytest.mark.parametrize("words", [("nobody", "--reason", "x"), ("alice", "--reason", " ")])
def test_the_command_refuses_what_it_cannot_do(alice: User, words: tuple[str, ...]) -> None:
    browser = staff.sign_in(alice)
    with pytest.raises(CommandError):
        run(*words)
    assert sees_the_admin(browser)
    assert told() == []


def test_a_superuser_resets_with_a_reason(alice: User) -> None:
    bob = User.objects.create_user("bob", password=staff.PASSWORD, is_staff=True)
    second_factor._make_recovery_codes(bob)
    his, root = staff.sign_in(bob), staff.sign_in(alice)
    page = reverse("admin:auth_user_reset_totp", args=[bob.pk])
    change = root.get(reverse("admin:auth_user_change", args=[bob.pk])).content.decode()
    assert "Reset second factor" in change
    assert root.post(page, {"reason": ""}).status_code == 200
    assert sees_the_admin(his)
    assert root.post(page, {"reason": "phone lost"}).status_code == 302
    assert not sees_the_admin(his)
    assert not TOTPDevice.objects.filter(user=bob).exists()
    assert not StaticToken.objects.exists()
    kept = AuditRecord.objects.get(action="user.reset_totp")
    assert (kept.actor_name, kept.reason) == ("alice", "phone lost")
    assert kept.detail == {"devices": 2}


def test_nobody_enrols_from_a_session_of_before_the_reset(alice: User) -> None:
    old = staff.sign_in(alice)
    run("alice", "--reason", "phone stolen")
    page = old.get(ENROL, follow=True)
    assert page.redirect_chain[-1][0].startswith(LOGIN)
    assert b"the second factor was reset" in page.content
    assert SESSION_KEY not in old.session
    assert told() == ["user.reset_totp", "user.logout"]
    assert not TOTPDevice.objects.exists()


def test_nobody_else_resets(alice: User) -> None:
    mine = staff.sign_in(alice)
    dave = staff.member("dave", "auth.view_user", "auth.change_user")
    page = reverse("admin:auth_user_reset_totp", args=[alice.pk])
    assert dave.get(page).status_code == 403
    assert dave.post(page, {"reason": "because"}).status_code == 403
    strict = staff.sign_in(alice, csrf=True)
    assert strict.post(page, {"reason": "from elsewhere"}).status_code == 403
    assert sees_the_admin(mine)
    assert "user.reset_totp" not in told()
