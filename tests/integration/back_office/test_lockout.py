"""Who guesses passwords is locked out, by name and address, for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.test import Client

from tests import staff
from tests.integration.back_office.conftest import LOGIN, told, type_password
from wallet_project.kit import clock
from wallet_project.kit.models import AuditRecord

HOME, ELSEWHERE = "192.0.2.7", "192.0.2.8"


@pytest.fixture
def guessed(alice: User, settings: Any) -> Client:
    """Mallory's browser, who has guessed Alice's password twice of the three times she may."""
    settings.AXES_FAILURE_LIMIT = 3
    browser = Client(REMOTE_ADDR=HOME)
    for guess in ("one", "two"):
        assert type_password(browser, password=guess).status_code == 200
    return browser


def lets_in(browser: Client) -> bool:
    return bool(type_password(browser).status_code == 302)


def test_the_last_guess_locks_out_and_says_until_when(guessed: Client) -> None:
    page = type_password(guessed, password="three")
    assert page.status_code == 429
    assert 0 < int(page.headers["Retry-After"]) <= 15 * 60 + 1
    until = AccessAttempt.objects.get().attempt_time + timedelta(minutes=15)
    assert f"{until:%H:%M:%S} UTC" in page.content.decode()
    assert not lets_in(guessed), "the right password, now, is as good as a wrong one"
    assert type_password(guessed).status_code == 429
    assert sorted(told()) == ["user.lock_out"] + ["user.login_failed"] * 3
    locked = AuditRecord.objects.get(action="user.lock_out")
    assert (locked.actor, locked.actor_name, locked.address) == ("nobody", "alice", HOME)


def test_another_address_and_another_name_are_free(guessed: Client) -> None:
    type_password(guessed, password="three")
    assert lets_in(Client(REMOTE_ADDR=ELSEWHERE)), "Alice herself, at her desk"
    User.objects.create_superuser("bob", password=staff.PASSWORD)
    assert type_password(Client(REMOTE_ADDR=HOME), "bob").status_code == 302


def test_the_lock_ends(guessed: Client) -> None:
    type_password(guessed, password="three")
    with time_machine.travel(clock.now() + timedelta(minutes=14)):
        assert not lets_in(guessed)
    with time_machine.travel(clock.now() + timedelta(minutes=16)):
        assert lets_in(guessed)


def test_a_right_password_forgets_the_wrong_ones(guessed: Client) -> None:
    assert lets_in(guessed)
    assert not AccessAttempt.objects.exists()


def test_the_address_is_what_our_edge_says_and_nobody_else(guessed: Client, settings: Any) -> None:
    """A list that the caller has begun himself ends with the word of our edge."""
    settings.BEHIND_EDGE = True
    for number in range(3):
        told_by_caller = f"203.0.113.{number}, {ELSEWHERE}"
        answer = guessed.post(
            LOGIN,
            {"username": "alice", "password": "wrong"},
            headers={"X-Forwarded-For": told_by_caller},
        )
    assert answer.status_code == 429
    assert AccessAttempt.objects.get(ip_address=ELSEWHERE).failures_since_start == 3
    settings.BEHIND_EDGE = False
    page = guessed.post(
        LOGIN,
        {"username": "alice", "password": "wrong"},
        headers={"X-Forwarded-For": ELSEWHERE},
    )
    assert page.status_code == 429, "counted for the address at the other end"
    assert AccessAttempt.objects.get(ip_address=HOME).failures_since_start == 3


def test_a_name_that_nobody_has_is_not_kept_in_the_audit_log(database: None) -> None:
    """It may be a password, typed into the wrong box."""
    type_password(Client(), "my secret sentence", "x")
    (kept,) = AuditRecord.objects.all()
    assert (kept.action, kept.actor_name, kept.subject) == ("user.login_failed", "", "")
    assert "secret" not in str(kept.detail)
