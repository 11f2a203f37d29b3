"""The proof looks at what the database itself does for the invariants: each taken away in turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.models import CheckConstraint, Model, Q

from events import marking
from events.models import OutboxEvent
from ledger.models import JournalEntry
from tests import databases
from tests.people import fund
from wallet_project.kit import guards
from wallet_project.kit.append_only import AppendOnlyModel
from wallet_project.kit.ids import uuid7
from wallets import verification
from wallets.identity import WalletIdentity
from wallets.models import Wallet


@pytest.fixture(autouse=True)
def sound_books(alice: WalletIdentity) -> None:
    fund(alice, 1000)
    assert verification.verify().is_sound


@contextmanager
def trigger_gone(table: str, event: str) -> Iterator[None]:
    """Take the trigger away that stands before this event, and put it back."""
    connection = connections[databases.owner()]
    with connection.cursor() as cursor:
        if connection.vendor == "mysql":
            cursor.execute(
                "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = "
                "DATABASE() AND EVENT_OBJECT_TABLE = %s AND EVENT_MANIPULATION = %s",
                [table, event],
            )
            ((name,),) = cursor.fetchall()
            cursor.execute(f"SHOW CREATE TRIGGER {name}")
            sql = cursor.fetchone()[2]
        else:
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s "
                "AND instr(sql, %s) > 0",
                [table, f"BEFORE {event}"],
            )
            ((name, sql),) = cursor.fetchall()
        cursor.execute(f"DROP TRIGGER {name}")
        try:
            yield
        finally:
            cursor.execute(sql)


@contextmanager
def index_gone(model: type[Model], name: str) -> Iterator[None]:
    """Take a unique index away, and put it back."""
    connection = connections[databases.owner()]
    table = model._meta.db_table
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table)
        columns = ", ".join(found[name]["columns"])
        cursor.execute(f"ALTER TABLE {table} DROP INDEX {name}")
        try:
            yield
        finally:
            cursor.execute(f"ALTER TABLE {table} ADD UNIQUE INDEX {name} ({columns})")


@contextmanager
def right_given(right: str, *tables: str) -> Iterator[None]:
    """Give the application's user a right, and take it back."""
    connection = connections[databases.owner()]
    user = settings.DATABASES["default"]["USER"]
    names = [f"`{connection.settings_dict['NAME']}`.`{table}`" for table in tables]
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"GRANT {right} ON {name} TO `{user}`@`%`")
        try:
            yield
        finally:
            for name in names:
                cursor.execute(f"REVOKE {right} ON {name} FROM `{user}`@`%`")
        # MariaDB takes the rights to single columns away together with that to the table.
        call_command("grant_app_user", verbosity=0)


def test_each_trigger_that_is_gone() -> None:
    """All of them at once, because each look at the books takes its time."""
    gone = [
        (model._meta.db_table, event)
        for model in AppendOnlyModel.every_model()
        for event in ("UPDATE", "DELETE")
        if event == "UPDATE" or not model.purgeable
    ]
    with ExitStack() as taken:
        for table, event in gone:
            taken.enter_context(trigger_gone(table, event))
        findings = verification.verify().findings
    assert sorted((one.invariant, one.subject, one.detail) for one in findings) == sorted(
        ("I18", f"table {table}", f"no trigger stands before {event}") for table, event in gone
    )
    assert verification.verify().is_sound


@pytest.mark.full_stack
def test_a_unique_index_that_is_gone() -> None:
    with index_gone(OutboxEvent, "outbox_stream_sequence"):
        findings = verification.verify().findings
    assert [(one.invariant, one.subject, one.detail) for one in findings] == [
        (
            "I10",
            "table events_outboxevent",
            "no unique index keeps (stream, sequence) unique",
        )
    ]


@pytest.mark.full_stack
def test_a_key_given_twice_when_its_index_is_gone_and_a_position_given_twice(
    alice: WalletIdentity,
) -> None:
    rows = OutboxEvent.objects.order_by("id")
    marking.mark_published(list(rows.values_list("id", flat=True)))
    with (
        index_gone(JournalEntry, "idempotency_key"),
        connections[databases.owner()].cursor() as cursor,
    ):
        cursor.execute("CREATE TEMPORARY TABLE twin SELECT * FROM ledger_journalentry LIMIT 1")
        cursor.execute("UPDATE twin SET id = %s", [uuid7().bytes])
        cursor.execute("INSERT INTO ledger_journalentry SELECT * FROM twin")
        cursor.execute("DROP TEMPORARY TABLE twin")
        rows.filter(position=2).update(position=1)
        details = {(one.invariant, one.detail) for one in verification.verify().findings}
        databases.empty_tables()

    assert {
        ("I10", "2 entries have it"),
        ("I10", "no unique index keeps (idempotency_key) unique"),
        ("I9", "position 1 was given to another event, too"),
    } <= details


@pytest.mark.full_stack
@pytest.mark.parametrize("right", ["UPDATE", "DROP", "TRIGGER"])
def test_a_right_too_many(right: str) -> None:
    tables = [model._meta.db_table for model in AppendOnlyModel.every_model()]
    with right_given(right, *tables):
        findings = verification.verify().findings
    assert sorted((one.invariant, one.subject, one.detail) for one in findings) == sorted(
        ("I18", f"table {table}", f"the application's user has the right to {right}")
        for table in tables
    )


@pytest.mark.full_stack
def test_a_right_to_one_column_too_many() -> None:
    with right_given("UPDATE (channel)", "ledger_journalentry"):
        findings = verification.verify().findings
    assert [(one.invariant, one.detail) for one in findings] == [
        ("I18", "the application's user has the right to UPDATE channel")
    ]


@pytest.mark.full_stack
def test_without_the_owner_triggers_cannot_be_seen_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guards, "OWNER", "nobody")
    report = verification.verify()

    assert report.is_sound
    assert [note for note in report.notes if "triggers" in note] == [
        "I18: the application's user cannot see triggers; set DATABASE_OWNER_URL to look at them"
    ]


def test_checks_are_there_or_it_is_said_who_holds_the_floor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    enforced = connections["default"].features.supports_table_check_constraints
    notes = [note for note in verification.verify().notes if note.startswith("I5")]
    assert notes == (
        []
        if enforced
        else [
            "I5: this version of the database ignores CHECK constraints; the guard in the "
            "statement that updates balances holds the floor"
        ]
    )
    if enforced:
        asked = CheckConstraint(condition=Q(balance__gte=-1), name="wallet_asked_for")
        constraints = [*Wallet._meta.constraints, asked]
        monkeypatch.setattr(Wallet._meta, "constraints", constraints)
        findings = verification.verify().findings
        assert [(one.invariant, one.detail) for one in findings] == [
            ("I5", "the CHECK wallet_asked_for is missing")
        ]
