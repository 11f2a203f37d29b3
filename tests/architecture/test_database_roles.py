"""Who erases or purges can do that and nothing else: the table of rights names what there is."""

from __future__ import annotations

from django.apps import apps

from wallet_project.kit.append_only import AppendOnlyModel
from wallet_project.kit.database_roles import ERASER, OURS, READONLY, REAPER, ROLES, our_tables
from wallet_project.kit.kept import guarded_tables


def test_every_right_is_about_a_column_that_there_is() -> None:
    models = {one._meta.db_table: one for one in apps.get_models()}
    for role in ROLES.values():
        assert role.removes | role.inserts | set(role.changes) <= our_tables()
        for table, columns in role.changes.items():
            there = {field.column for field in models[table]._meta.concrete_fields}
            assert set(columns) <= there


def test_the_books_lose_texts_and_nothing_else() -> None:
    redactable = {
        model._meta.db_table: model.redactable_columns for model in AppendOnlyModel.every_model()
    }
    for table, columns in ROLES[ERASER].changes.items():
        assert redactable.get(table, columns) == columns
    money = {"balance", "held", "status", "amount", "overdraft_limit"}
    assert not any(money & set(columns) for columns in ROLES[ERASER].changes.values())


def test_nobody_removes_what_is_for_ever() -> None:
    for_ever = {one.table for one in guarded_tables() if not one.purgeable}
    assert not any(role.removes & for_ever for role in ROLES.values())
    assert not ROLES[REAPER].changes
    assert (ROLES[READONLY].removes, ROLES[READONLY].inserts) == (frozenset(), frozenset())


def test_every_app_of_ours_is_read_and_no_table_of_staff() -> None:
    ours = {
        one.label
        for one in apps.get_app_configs()
        if one.name.split(".")[0] in {"ledger", "events", "wallets"}
    }
    assert ours <= OURS
    assert not any(table.startswith(("auth_", "django_", "otp_")) for table in our_tables())
