"""Each database user does what it is for, and the server refuses the rest."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import MySQLdb
import pytest
from django.core.management import call_command
from django.db import connections

from deploy.stack.layout import PRIMARY, Home, load_secrets
from ledger.models import JournalEntry
from tests.integration.privacy.test_erasing import SECRET, erase, past
from wallet_project.kit import database
from wallet_project.kit.database_roles import ERASER, READONLY, REAPER, ROLES
from wallets.identity import WalletIdentity
from wallets.models import Wallet

__all__ = ["past"]
pytestmark = pytest.mark.full_stack
DENIED = {1142, 1143}
"""The right is missing for the table, or for the column."""


@pytest.fixture
def logins(past: None) -> Iterator[dict[str, dict[str, Any]]]:
    """Make a user for each role, who is gone after the test."""
    made = {role: f"{role}_{secrets.token_hex(4)}" for role in ROLES}
    password = secrets.token_hex(16)
    for user in made.values():
        _as_root(f"CREATE USER '{user}'@'%' IDENTIFIED BY '{password}'")
    try:
        for role, user in made.items():
            call_command("grant_app_user", role=role, user=user)
        yield {role: {"USER": user, "PASSWORD": password} for role, user in made.items()}
    finally:
        for user in made.values():
            _as_root(f"DROP USER '{user}'@'%'")


def _as_root(statement: str) -> None:
    home = Home(Path(os.environ["STACK_HOME"]))
    password = load_secrets(home)["root"]
    root = MySQLdb.connect(unix_socket=str(home.socket(PRIMARY)), user="root", passwd=password)
    try:
        root.cursor().execute(statement)
        root.commit()
    finally:
        root.close()


@contextmanager
def speaking_as(login: dict[str, Any]) -> Iterator[Any]:
    with database.as_user(login), connections["default"].cursor() as cursor:
        cursor.execute("SELECT CURRENT_USER()")
        assert cursor.fetchone()[0].startswith(login["USER"])
        yield cursor


def is_denied(cursor: Any, statement: str) -> bool:
    with pytest.raises(Exception) as refused:
        cursor.execute(statement)
    return refused.value.args[0] in DENIED


FORBIDDEN = {
    READONLY: [
        "UPDATE wallets_wallet SET user_id = NULL",
        "INSERT INTO kit_heartbeat (id, beat_at) VALUES (9, NOW())",
        "DELETE FROM wallets_refusal",
        "SELECT * FROM auth_user",
    ],
    REAPER: [
        "DELETE FROM ledger_posting",
        "DELETE FROM ledger_journalentry",
        "DELETE FROM wallets_wallet",
        "UPDATE ledger_journalentry SET description = NULL",
        "UPDATE events_outboxevent SET status = 1",
        "SELECT * FROM auth_user",
    ],
    ERASER: [
        "UPDATE wallets_wallet SET balance = 1",
        "UPDATE ledger_journalentry SET reference = ''",
        "UPDATE wallets_payout SET status = 'PAID'",
        "INSERT INTO ledger_posting SELECT * FROM ledger_posting",
        "DELETE FROM ledger_journalentry",
        "DELETE FROM wallets_refusal",
        "SELECT * FROM auth_user",
    ],
}


@pytest.mark.parametrize("role", sorted(ROLES))
def test_what_is_not_granted_is_denied(logins: dict[str, dict[str, Any]], role: str) -> None:
    with speaking_as(logins[role]) as cursor:
        cursor.execute("SELECT COUNT(*) FROM ledger_posting")
        assert cursor.fetchone()[0] > 0
        assert [one for one in FORBIDDEN[role] if not is_denied(cursor, one)] == []


def test_the_reaper_removes_what_retention_removes(logins: dict[str, dict[str, Any]]) -> None:
    with speaking_as(logins[REAPER]) as cursor:
        for table in sorted(ROLES[REAPER].removes):
            cursor.execute(f"DELETE FROM {table} WHERE 1 = 0")


def test_alice_is_erased_by_the_eraser_alone(
    logins: dict[str, dict[str, Any]], alice: WalletIdentity, settings: Any
) -> None:
    settings.DATABASE_ERASER = logins[ERASER]

    assert erase()[0] == 0

    assert Wallet.objects.get(pk=alice.id).user_id is None
    assert JournalEntry.objects.filter(description=SECRET).count() == 2
