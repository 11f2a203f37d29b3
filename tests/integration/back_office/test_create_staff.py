"""Accounts made on the command line: the first superuser, and those of a demonstration."""

from __future__ import annotations

import json
import time
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from deploy.starter.code import code_of
from tests.integration.back_office.conftest import (
    sees_the_admin,
    told,
    type_code,
    type_password,
)
from wallet_project.kit.models import AuditRecord


def create(*words: str) -> Any:
    out = StringIO()
    call_command("create_staff", "--json", *words, stdout=out)
    return json.loads(out.getvalue())


def test_what_is_printed_signs_in(database: None) -> None:
    boss, bob = create("boss:superuser", "bob:maker", "--enrol")
    for account in (boss, bob):
        browser = Client()
        type_password(browser, account["name"], account["password"])
        type_code(browser, code_of(account["secret"], time.time()))
        assert sees_the_admin(browser)
        assert account["secret"] in account["uri"]
    assert User.objects.get(username="boss").is_superuser
    assert list(User.objects.get(username="bob").groups.values_list("name", flat=True)) == ["maker"]
    assert told()[:4] == ["user.add", "user.enrol"] * 2
    kept = json.dumps(list(AuditRecord.objects.values_list("detail", flat=True)))
    assert not any(secret in kept for secret in (bob["password"], bob["secret"]))


def test_without_an_authenticator_the_first_login_enrols_one(database: None) -> None:
    (bob,) = create("bob:viewer")
    assert (bob["secret"], bob["uri"]) == ("", "")
    assert "/admin/enrol/" in type_password(Client(), "bob", bob["password"]).headers["Location"]


@pytest.mark.parametrize("words", [("a:maker", "a:checker"), ("a:maker", "b:king"), ("a",)])
def test_all_or_none(database: None, words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        create(*words)
    assert not User.objects.exists()
    assert told() == []
