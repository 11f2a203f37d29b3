"""Each database user does what it is for, and the server refuses the rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.db import DatabaseError, OperationalError, connections
from django.test.utils import CaptureQueriesContext

from events import tasks
from events.consumers.fraud import tasks as fraud_tasks
from events.consumers.notifications import tasks as notification_tasks
from events.models import ArchivedFile, OutboxEvent
from ledger.models import JournalEntry
from tests.archives import folder, lines
from tests.integration.privacy.test_erasing import SECRET, erase, past
from tests.people import books_now
from tests.publishing import age, publish
from wallet_project.kit import database
from wallet_project.kit.database_roles import ERASER, READONLY, REAPER, ROLES
from wallet_project.kit.reading_command import ReadingCommand
from wallets import tasks as wallet_tasks
from wallets.identity import WalletIdentity
from wallets.models import Wallet

__all__ = ["folder", "past"]
pytestmark = pytest.mark.full_stack
DENIED = {1142, 1143}
"""The right is missing for the table, or for the column."""


@pytest.fixture
def changed(request: pytest.FixtureRequest) -> Any:
    """Settings that a test may change."""
    return request.getfixturevalue("settings")


@pytest.fixture
def logins(past: None) -> dict[str, dict[str, Any]]:
    """The users that the stack has made and `grant_app_user` has given their rights."""
    found = {}
    for role, login in (
        (ERASER, settings.DATABASE_ERASER),
        (REAPER, settings.DATABASE_REAPER),
        (READONLY, settings.DATABASE_READONLY),
    ):
        assert login is not None
        found[role] = {name: login[name] for name in ("USER", "PASSWORD")}
    return found


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
    logins: dict[str, dict[str, Any]], alice: WalletIdentity, changed: Any
) -> None:
    changed.DATABASE_ERASER = logins[ERASER]

    assert erase()[0] == 0

    assert Wallet.objects.get(pk=alice.id).user_id is None
    assert JournalEntry.objects.filter(description=SECRET).count() == 2


@pytest.fixture
def old_rows(past: None, folder: Path) -> int:
    """Published events that are past their time."""
    publish()
    age(days=91)
    return OutboxEvent.objects.count()


def test_the_worker_archives_as_the_reaper(
    logins: dict[str, dict[str, Any]], old_rows: int, folder: Path, changed: Any
) -> None:
    changed.DATABASE_REAPER = logins[REAPER]

    tasks.archive_rows()
    wallet_tasks.purge_refusals()
    fraud_tasks.purge_fraud_observations()
    notification_tasks.purge_notifications()

    assert len(lines(folder)) == old_rows
    assert not OutboxEvent.objects.exists()


@pytest.mark.parametrize("command", [True, False])
def test_whoever_may_not_remove_archives_nothing(
    logins: dict[str, dict[str, Any]], old_rows: int, folder: Path, changed: Any, command: bool
) -> None:
    changed.DATABASE_REAPER = logins[READONLY]
    with pytest.raises(DatabaseError) as denied:
        call_command("archive", stderr=StringIO()) if command else tasks.archive_rows()
    assert denied.value.args[0] in DENIED
    assert OutboxEvent.objects.count() == old_rows
    assert not ArchivedFile.objects.exists()


def test_the_application_is_itself_again_after_the_reaper(
    logins: dict[str, dict[str, Any]], old_rows: int, changed: Any
) -> None:
    changed.DATABASE_REAPER = logins[REAPER]
    tasks.archive_rows()
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT CURRENT_USER()")
        assert cursor.fetchone()[0].startswith(connections["default"].settings_dict["USER"])


READING: dict[str, list[str]] = {
    "report": ["balance-sheet", "--client", "acme"],
    "trial_balance": [],
    "statement": ["alice", "--client", "acme", "--csv"],
    "verify_statement": ["--all"],
    "export_ledger": ["--out", "books"],
}


@pytest.mark.parametrize("name", READING)
def test_what_only_reads_reads_as_somebody_who_can_do_nothing_else(
    logins: dict[str, dict[str, Any]], name: str, changed: Any, tmp_path: Path
) -> None:
    changed.DATABASE_READONLY = logins[READONLY]
    words = [str(tmp_path / "books") if word == "books" else word for word in READING[name]]
    before = books_now()
    with CaptureQueriesContext(connections["default"]) as asked:
        call_command(name, *words, stdout=StringIO(), stderr=StringIO())
    assert len(asked) > 0
    assert books_now() == before

    changed.DATABASE_READONLY = logins[READONLY] | {"PASSWORD": "wrong"}
    with pytest.raises(OperationalError, match="Access denied"):
        call_command(name, *words, stdout=StringIO(), stderr=StringIO())


def test_every_command_that_only_reads_is_named_here() -> None:
    found = {name for name, app in get_commands().items() if _reads_only(app, name)}
    assert found == set(READING)


def _reads_only(app: str, name: str) -> bool:
    return isinstance(load_command_class(app, name), ReadingCommand)


def test_one_command_gives_every_user_his_rights(
    logins: dict[str, dict[str, Any]], changed: Any
) -> None:
    for role, name in (
        (ERASER, "DATABASE_ERASER"),
        (REAPER, "DATABASE_REAPER"),
        (READONLY, "DATABASE_READONLY"),
    ):
        setattr(changed, name, logins[role])
    out = StringIO()
    call_command("grant_app_user", dry_run=True, stdout=out, stderr=StringIO())
    for login in logins.values():
        assert f"TO `{login['USER']}`@" in out.getvalue()
    assert f"TO `{settings.DATABASES['default']['USER']}`@" in out.getvalue()

    changed.DATABASE_REAPER = {"USER": settings.DATABASES["default"]["USER"]}
    with pytest.raises(CommandError, match="give reaper its own"):
        call_command("grant_app_user", dry_run=True, stdout=out, stderr=StringIO())
