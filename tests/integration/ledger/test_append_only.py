"""The books refuse every change: in the model, in the queryset and in the database itself."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connections

from ledger.models import Account, JournalEntry, Posting
from tests import databases
from tests.people import books_now, fund
from wallet_project.kit.append_only import AppendOnlyModel, AppendOnlyViolation
from wallets.identity import WalletIdentity

LEDGER_TABLES = ["ledger_account", "ledger_journalentry", "ledger_posting"]


@pytest.fixture
def some_books(alice: WalletIdentity) -> None:
    fund(alice, 100)


@pytest.mark.parametrize("model", [Account, JournalEntry, Posting])
def test_the_model_refuses(some_books: None, model: type[AppendOnlyModel]) -> None:
    row = model.objects.first()
    assert row is not None
    before = books_now()

    with pytest.raises(AppendOnlyViolation):
        row.save()
    with pytest.raises(AppendOnlyViolation):
        row.delete()
    with pytest.raises(AppendOnlyViolation):
        model.objects.all().delete()
    with pytest.raises(AppendOnlyViolation):
        model.objects.all().update(client=2)
    with pytest.raises(AppendOnlyViolation):
        model.objects.select_for_update()

    assert books_now() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_posting SET amount = amount + 1",
        "UPDATE ledger_posting SET balance_after = 0",
        "UPDATE ledger_account SET code = 'other'",
        "UPDATE ledger_journalentry SET kind = 'transfer'",
        "UPDATE ledger_journalentry SET description = 'other'",
        "UPDATE ledger_journalentry SET reference = 'OTHER'",
        "UPDATE ledger_journalentry SET description = NULL, channel = 'x'",
        "DELETE FROM ledger_posting",
        "DELETE FROM ledger_account",
        "DELETE FROM ledger_journalentry",
    ],
)
@pytest.mark.parametrize("alias", ["default", "owner"])
def test_the_database_refuses(some_books: None, statement: str, alias: str) -> None:
    """The application lacks the right (1142); the owner, who has it, meets the trigger (1644)."""
    connection = connections[alias if alias in connections.databases else "default"]

    with pytest.raises((OperationalError, IntegrityError)), connection.cursor() as cursor:
        cursor.execute(statement)


def test_personal_text_can_be_erased_and_nothing_else(some_books: None) -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "UPDATE ledger_journalentry SET description = NULL, metadata = NULL, note_salt = NULL"
        )

    entry = JournalEntry.objects.get()
    assert (entry.description, entry.metadata, entry.note_salt) == (None, None, None)


def test_insert_or_replace_does_not_walk_through_the_triggers(some_books: None) -> None:
    connection = connections["default"]
    row = Posting.objects.order_by("pk").values_list("pk", "entry_id", "account_id").first()
    assert row is not None
    statement = (
        "REPLACE INTO ledger_posting (id, entry_id, account_id, amount, posted_at) "
        "VALUES (%s, %s, %s, 1, '2026-01-01 00:00:00')"
    )

    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute(statement, [row[0], row[1].bytes, row[2].bytes])


@pytest.mark.full_stack
@pytest.mark.parametrize("table", LEDGER_TABLES)
@pytest.mark.parametrize("verb", ["TRUNCATE", "DROP TABLE"])
def test_the_application_may_not_empty_a_table(database: None, verb: str, table: str) -> None:
    """TRUNCATE and DROP fire no trigger, so only the missing right stands in their way."""
    assert databases.is_mysql()

    with pytest.raises(OperationalError) as refusal, connections["default"].cursor() as cursor:
        cursor.execute(f"{verb} {table}")

    assert refusal.value.args[0] == 1142
