"""What the database is told: nothing forgotten, and the books guarded on every engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from django.apps import apps
from django.conf import settings
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.questioner import NonInteractiveMigrationQuestioner
from django.db.migrations.state import ModelState, ProjectState

from wallet_project.kit.append_only import AppendOnlyModel
from wallet_project.kit.triggers import read_statements

VENDORS: Final = ("mysql", "sqlite")
EQUALS: Final = {"mysql": "<=>", "sqlite": "IS"}


def forgotten_changes(wanted: ProjectState) -> dict[str, list[str]]:
    """Tell by app what a new migration would have to do. Needs no database."""
    written = MigrationLoader(None)
    questioner = NonInteractiveMigrationQuestioner(specified_apps=set(), dry_run=True)
    detector = MigrationAutodetector(written.project_state(), wanted, questioner)
    changes = detector.changes(written.graph)
    return {
        app: [operation.describe() for one in migrations for operation in one.operations]
        for app, migrations in changes.items()
        if app in {config.label for config in apps.get_app_configs() if _is_ours(config.path)}
    }


def unguarded(model: type[AppendOnlyModel], vendor: str, statements: list[str]) -> list[str]:
    """Tell what the triggers of a table let through."""
    table = model._meta.db_table
    found = []
    # What is purged by the clock may be deleted; nothing append-only may be changed.
    for verb in ("UPDATE",) if model.purgeable else ("UPDATE", "DELETE"):
        triggers = [s for s in statements if re.search(rf"\bBEFORE {verb} ON {table}\b", s)]
        if not triggers:
            found.append(f"{verb} on {table}")
        elif verb == "UPDATE" and model.redactable_columns:
            found += _unguarded_columns(model, vendor, triggers[0])
    return found


def _unguarded_columns(model: type[AppendOnlyModel], vendor: str, trigger: str) -> list[str]:
    found = []
    for field in model._meta.concrete_fields:
        column = str(field.column)
        same = rf"(BINARY )?NEW\.{column} {EQUALS[vendor]} (BINARY )?OLD\.{column}\b"
        if column in model.redactable_columns:
            same = rf"\(NEW\.{column} IS NULL OR {same}\)"
        if not re.search(same, trigger):
            found.append(f"a change of {column}")
    return found


def _is_ours(folder: str) -> bool:
    return Path(folder).is_relative_to(settings.BASE_DIR) and "site-packages" not in folder


def _statements(model: type[AppendOnlyModel], vendor: str) -> list[str]:
    folder = Path(apps.get_app_config(model._meta.app_label).path) / "migrations" / "sql"
    if not folder.is_dir():
        return []
    return read_statements(folder, "append_only", vendor)


def test_every_change_of_a_model_has_its_migration() -> None:
    """A column that only the code knows fails at the first request, not at the deployment."""
    assert forgotten_changes(ProjectState.from_apps(apps)) == {}


def test_a_forgotten_migration_is_noticed() -> None:
    wanted = ProjectState.from_apps(apps)
    state: ModelState = wanted.models["ledger", "account"].clone()
    del state.fields["code"]
    wanted.models["ledger", "account"] = state

    assert forgotten_changes(wanted) == {"ledger": ["Remove field code from account"]}


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    "model", AppendOnlyModel.every_model(), ids=lambda model: model._meta.label
)
def test_the_database_itself_refuses_to_change_the_books(
    model: type[AppendOnlyModel], vendor: str
) -> None:
    """Code can be wrong and people can have a shell. A column that is added to a table must be
    added to its trigger, or it could be changed there."""
    assert unguarded(model, vendor, _statements(model, vendor)) == []


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("label", ["ledger", "wallets"])
def test_every_trigger_can_be_taken_back(label: str, vendor: str) -> None:
    """A migration that cannot be reversed cannot be tried."""
    folder = Path(apps.get_app_config(label).path) / "migrations" / "sql"
    forwards = "\n".join(read_statements(folder, "append_only", vendor))
    backwards = "\n".join(read_statements(folder, "append_only", vendor, "reverse.sql"))
    made = re.findall(r"CREATE TRIGGER (\w+)", forwards)
    dropped = re.findall(r"DROP TRIGGER IF EXISTS (\w+)", backwards)
    assert sorted(made) == sorted(dropped)
    assert made


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_hole_in_a_trigger_is_noticed(vendor: str) -> None:
    entry = next(
        m for m in AppendOnlyModel.every_model() if m._meta.db_table == "ledger_journalentry"
    )
    statements = _statements(entry, vendor)
    without_kind = [s.replace("NEW.kind", "OLD.kind") for s in statements]
    without_delete = [s for s in statements if "BEFORE DELETE" not in s]
    free_metadata = [s.replace("NEW.metadata IS NULL", "TRUE") for s in statements]

    assert unguarded(entry, vendor, without_kind) == ["a change of kind"]
    assert unguarded(entry, vendor, without_delete) == ["DELETE on ledger_journalentry"]
    assert unguarded(entry, vendor, free_metadata) == ["a change of metadata"]
    assert unguarded(entry, vendor, []) == [
        "UPDATE on ledger_journalentry",
        "DELETE on ledger_journalentry",
    ]
