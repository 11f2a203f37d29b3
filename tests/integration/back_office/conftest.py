"""Alice of the finance desk, and what happens at her browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.urls import reverse

from tests import databases, staff
from wallet_project.kit.models import AuditRecord

LOGIN, CODE, ENROL = "/admin/login/", "/admin/code/", "/admin/enrol/"


@pytest.fixture
def alice(database: None) -> User:
    """Alice, who has no authenticator yet."""
    return User.objects.create_superuser("alice", password=staff.PASSWORD)


@pytest.fixture
def browser() -> Client:
    """A browser that nobody has used."""
    return Client(enforce_csrf_checks=False)


def type_password(browser: Client, name: str = "alice", password: str = staff.PASSWORD) -> Any:
    """Send the first form of the login."""
    return browser.post(LOGIN, {"username": name, "password": password})


def type_code(browser: Client, code: str, page: str = CODE) -> Any:
    """Send the second form of the login."""
    return browser.post(page, {"code": code})


def led_to(answer: Any) -> str:
    """Tell where an answer leads, without its query."""
    return str(answer.headers["Location"]).partition("?")[0]


def sees_the_admin(browser: Client) -> bool:
    """Tell whether the first page of the admin is shown, rather than a login."""
    return browser.get(reverse("admin:index")).status_code == 200


def told() -> list[str]:
    """List what the audit log has, oldest first."""
    return list(AuditRecord.objects.order_by("id").values_list("action", flat=True))


@contextmanager
def refusing(verb: str, table: str) -> Iterator[None]:
    """Let the database refuse a verb on a table."""
    connection = connections[databases.owner()]
    body = (
        "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'refused'"
        if connection.vendor == "mysql"
        else "BEGIN SELECT RAISE(ABORT, 'refused'); END"
    )
    each = "FOR EACH ROW " if connection.vendor == "mysql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TRIGGER refusing BEFORE {verb} ON {table} {each}{body}")
        try:
            yield
        finally:
            cursor.execute("DROP TRIGGER refusing")
