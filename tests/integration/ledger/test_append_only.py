"""Facts refuse every change: in the model, in the queryset, in the database and in the admin.

Every test asks `AppendOnlyModel` which tables these are, so that a new one is held to it as well.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import DatabaseError, IntegrityError, OperationalError, connections
from django.test import Client
from django.urls import reverse

from events.consumers.fraud.models import Act, Action, AlertAct, FraudAlert, RuleName
from ledger import proofs, sealing, settled
from ledger.models import Account, JournalEntry, Posting
from tests import databases, staff
from tests.filling import fill
from tests.http import Api
from tests.people import Company, books_now, fund, refusals
from wallet_project.kit import audit
from wallet_project.kit.append_only import AppendOnlyModel, AppendOnlyViolation
from wallet_project.kit.clock import now
from wallet_project.kit.ids import uuid7
from wallet_project.kit.models import AuditRecord
from wallets.identity import WalletIdentity
from wallets.models import Refusal

MODELS = AppendOnlyModel.every_model()
TABLES = [model._meta.db_table for model in MODELS]
# Two ways to the database: the application, which lacks the right, and the owner, who has it and
# meets the trigger.
ALIASES = ["default", "owner"]
REFUSED = (OperationalError, IntegrityError)
OTHER_VALUES = {
    "BigAutoField": "99",
    "BigIntegerField": "99",
    "PositiveIntegerField": "99",
    "BooleanField": "0",
    "DateTimeField": "'2001-01-01'",
    "DateField": "'2001-01-01'",
    "JSONField": "'{}'",
}
"""Something that a column of the type can hold; any other column can hold a letter."""


def name_of(value: object) -> str:
    return value._meta.db_table if isinstance(value, type) else str(value)  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def some_facts(client_acme: Company, alice: WalletIdentity) -> None:
    """A row in every table of facts."""
    fund(alice, 100)
    api = Api(client_acme.key)
    assert api.withdraw("alice", "5.00").status == 422
    paid = api.deposit("alice", "2.00").json["transactionId"]
    assert api.post(f"/transactions/{paid}/reverse").status == 201
    alert = FraudAlert.objects.create(
        rule=RuleName.HIGH_VALUE,
        wallet=alice.id,
        client=client_acme.id,
        currency="USD",
        trigger_id=uuid7(),
        triggered_at=now(),
        action=Action.REVIEW,
        evidence={},
        raised_at=now(),
    )
    AlertAct.objects.create(alert=alert, act=Act.NOTE, by="checker", at=now(), text="Looked at.")
    proofs.note("command:verify_ledger", upto=2, findings=0, seconds=1)
    audit.record_look(audit.Actor("staff:1"), audit.Act("wallet.view", "wallets.wallet"))
    sealing.seal(upto=settled.end_of_books(), tell=lambda head: None)
    for model in MODELS:
        if not model.objects.exists():
            fill(model, 1)
    assert [model for model in MODELS if not model.objects.exists()] == []


def rows_of(model: type[AppendOnlyModel]) -> list[Any]:
    return list(model.objects.order_by("pk").values())


def run(alias: str, statement: str, params: Any = None) -> None:
    connection = connections[alias if alias in connections.databases else "default"]
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def is_refused(alias: str, statement: str) -> bool:
    try:
        run(alias, statement)
    except REFUSED:
        return True
    return False


def test_the_list_of_tables_is_the_models_own() -> None:
    assert {Account, JournalEntry, Posting, Refusal} <= set(MODELS)
    assert len(TABLES) == len(set(TABLES))


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_the_model_refuses(model: type[AppendOnlyModel]) -> None:
    row = model.objects.first()
    assert row is not None
    before = rows_of(model)

    with pytest.raises(AppendOnlyViolation):
        row.save()
    with pytest.raises(AppendOnlyViolation):
        row.delete()
    with pytest.raises(AppendOnlyViolation):
        model.objects.all().delete()
    with pytest.raises(AppendOnlyViolation):
        model.objects.all().update(client=2)
    with pytest.raises(AppendOnlyViolation):
        model.objects.bulk_update([row], [])
    with pytest.raises(AppendOnlyViolation):
        model.objects.update_or_create(pk=row.pk)
    with pytest.raises(AppendOnlyViolation):
        model.objects.select_for_update()

    assert rows_of(model) == before


@pytest.mark.parametrize("alias", ALIASES)
@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_the_database_refuses_to_change_any_column(
    model: type[AppendOnlyModel], alias: str
) -> None:
    before = rows_of(model)

    changed = []
    for field in model._meta.local_concrete_fields:
        value = OTHER_VALUES.get(field.get_internal_type(), "'x'")
        change = f"UPDATE {model._meta.db_table} SET `{field.column}` = {value}"
        if field.column not in model.redactable_columns and not is_refused(alias, change):
            changed.append(field.column)

    assert changed == []
    assert rows_of(model) == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_journalentry SET description = 'other'",
        "UPDATE ledger_journalentry SET reference = 'OTHER'",
        "UPDATE ledger_journalentry SET description = NULL, channel = 'x'",
    ],
)
@pytest.mark.parametrize("alias", ALIASES)
def test_a_note_is_erased_or_stays_as_it_was(statement: str, alias: str) -> None:
    before = rows_of(JournalEntry)

    with pytest.raises(REFUSED):
        run(alias, statement)

    assert rows_of(JournalEntry) == before


@pytest.mark.parametrize("alias", ALIASES)
@pytest.mark.parametrize("model", [m for m in MODELS if not m.purgeable], ids=name_of)
def test_the_database_refuses_to_remove_a_row(model: type[AppendOnlyModel], alias: str) -> None:
    before = rows_of(model)

    with pytest.raises(REFUSED):
        run(alias, f"DELETE FROM {model._meta.db_table}")

    assert rows_of(model) == before


def test_personal_text_can_be_erased_and_nothing_else() -> None:
    run(
        "default",
        "UPDATE ledger_journalentry SET description = NULL, metadata = NULL, note_salt = NULL",
    )

    for entry in JournalEntry.objects.all():
        assert (entry.description, entry.metadata, entry.note_salt) == (None, None, None)


def test_insert_or_replace_does_not_walk_through_the_triggers() -> None:
    before = rows_of(Posting)
    row = Posting.objects.order_by("pk").values_list("pk", "entry_id", "account_id")[0]
    statement = (
        "REPLACE INTO ledger_posting (id, entry_id, account_id, amount, posted_at) "
        "VALUES (%s, %s, %s, 1, '2026-01-01 00:00:00')"
    )

    with pytest.raises(DatabaseError):
        run("default", statement, [row[0], row[1].bytes, row[2].bytes])

    assert rows_of(Posting) == before


@pytest.mark.full_stack
@pytest.mark.parametrize("model", MODELS, ids=name_of)
@pytest.mark.parametrize("verb", ["TRUNCATE", "DROP TABLE"])
def test_the_application_may_not_empty_a_table(model: type[AppendOnlyModel], verb: str) -> None:
    """TRUNCATE and DROP fire no trigger, so only the missing right stands in their way."""
    assert databases.is_mysql()
    before = rows_of(model)

    with pytest.raises(OperationalError) as refusal:
        run("default", f"{verb} {model._meta.db_table}")

    assert refusal.value.args[0] == 1142
    assert rows_of(model) == before


SHOWN_WITH = {
    "periods.closingfigure": "periods.close",
    "periods.reopening": "periods.close",
    "reconciliation.filecontent": "reconciliation.statementfile",
    "reconciliation.itemnote": "reconciliation.item",
    "reconciliation.matchend": "reconciliation.match",
    "reconciliation.matchpart": "reconciliation.match",
}
"""Facts without a page of their own, and on whose page they stand."""


class TestAdmin:
    """A superuser at the admin, with crafted requests."""

    @pytest.fixture
    def root(self) -> Client:
        return staff.superuser()

    @pytest.mark.parametrize("model", MODELS, ids=name_of)
    def test_no_url_adds_changes_or_removes(
        self, root: Client, model: type[AppendOnlyModel]
    ) -> None:
        shown_with = SHOWN_WITH.get(model._meta.label_lower)
        if shown_with is not None:
            assert apps.get_model(shown_with) in admin.site._registry
            assert model not in admin.site._registry, "so it is held to more than this"
            return
        assert model in admin.site._registry, "a fact that nobody can look at"
        label = f"{model._meta.app_label}_{model._meta.model_name}"
        before, books = rows_of(model), (books_now(), refusals())
        pk = str(model.objects.values_list("pk", flat=True)[0])
        row = before[0]
        everything = dict.fromkeys(row, "1") | {"_save": "Save", "_saveasnew": "1"}

        add = reverse(f"admin:{label}_add")
        change = reverse(f"admin:{label}_change", args=[pk])
        delete = reverse(f"admin:{label}_delete", args=[pk])
        listed = reverse(f"admin:{label}_changelist")
        for url in (add, delete):
            assert root.get(url).status_code in (302, 403, 404), url
        for url in (add, change, delete):
            for body in ({}, everything, {"post": "yes"}):
                assert root.post(url, body).status_code in (302, 403, 404), url
        for action in ("delete_selected", "delete"):
            crafted = {"action": action, "_selected_action": [pk], "post": "yes"}
            root.post(listed, crafted)
            root.post(listed, crafted | {"select_across": "1"})
        root.post(listed, everything | {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1"})

        shown = root.get(change)
        if shown.status_code == 200:
            text = shown.content.decode()
            assert 'name="_save"' not in text
            assert "deletelink" not in text
        after = rows_of(model)
        if model is AuditRecord:  # that somebody looked is the one thing that was added
            looks = after[len(before) :]
            assert {look["action"] for look in looks} == {"auditrecord.view"}
            after = after[: len(before)]
        assert after == before
        assert (books_now(), refusals()) == books
