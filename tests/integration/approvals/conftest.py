"""Carol is a maker, Dave and Erin are checkers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connections

from tests import databases
from tests.integration.approvals import desk
from wallet_project.kit.audit import Actor
from wallet_project.kit.triggers import read_statements


@pytest.fixture(autouse=True)
def _no_deeds(database: None) -> Iterator[None]:
    desk.DEEDS.clear()
    yield
    desk.DEEDS.clear()


@pytest.fixture
def maker(database: None) -> Actor:
    return desk.person("carol", "maker")


@pytest.fixture
def checker(database: None) -> Actor:
    return desk.person("dave", "checker")


@pytest.fixture
def other_checker(database: None) -> Actor:
    return desk.person("erin", "checker")


@pytest.fixture
def without_trigger(database: None) -> Iterator[None]:
    """Take the trigger away that freezes requests, as somebody who owns the tables could."""
    connection = connections[databases.owner()]
    folder = Path(apps.get_app_config("approvals").path) / "migrations" / "sql"
    made = read_statements(folder, "four_eyes", connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER approvals_approval_moves")
        try:
            yield
        finally:
            cursor.execute(next(one for one in made if "approvals_approval_moves" in one))
