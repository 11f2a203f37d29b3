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
from wallet_project.kit.kept import KeptModel
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


def unfrozen(model: type[KeptModel], vendor: str, statements: list[str]) -> list[str]:
    """Tell what the triggers of a table whose rows are kept let through."""
    table = model._meta.db_table
    guards = {
        verb: [s for s in statements if re.search(rf"\bBEFORE {verb} ON {table}\b", s)]
        for verb in ("UPDATE", "DELETE")
    }
    found = [f"{verb} on {table}" for verb, triggers in guards.items() if not triggers]
    for field in model._meta.concrete_fields if guards["UPDATE"] else ():
        column, equals = str(field.column), EQUALS[vendor]
        same = rf"(BINARY )?NEW\.{column} {equals} (BINARY )?OLD\.{column}\b"
        if column not in model.changing_columns and not re.search(same, guards["UPDATE"][0]):
            found.append(f"a change of {column}")
    return found


def _is_ours(folder: str) -> bool:
    return Path(folder).is_relative_to(settings.BASE_DIR) and "site-packages" not in folder


def _statements(model: type[AppendOnlyModel] | type[KeptModel], vendor: str) -> list[str]:
    folder = Path(apps.get_app_config(model._meta.app_label).path) / "migrations" / "sql"
    return [
        statement
        for name in _sql_files(folder, vendor)
        for statement in read_statements(folder, name, vendor)
    ]


def _sql_files(folder: Path, vendor: str) -> list[str]:
    """Name what the migrations of an app run from files, in order."""
    return sorted(path.name.partition(".")[0] for path in folder.glob(f"*.{vendor}.sql"))


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
@pytest.mark.parametrize("model", KeptModel.every_model(), ids=lambda model: model._meta.label)
def test_the_database_itself_freezes_what_is_kept(model: type[KeptModel], vendor: str) -> None:
    """A column that is neither named as changing nor held by the trigger could be changed."""
    statements = _statements(model, vendor)
    assert unfrozen(model, vendor, statements) == []
    assert set(model.changing_columns) <= {str(f.column) for f in model._meta.concrete_fields}
    frozen = sorted(
        {str(f.column) for f in model._meta.concrete_fields} - set(model.changing_columns)
    )
    holed = [s.replace(f"NEW.{frozen[-1]}", f"OLD.{frozen[-1]}") for s in statements]
    assert unfrozen(model, vendor, holed) == [f"a change of {frozen[-1]}"]


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("label", ["ledger", "wallets", "approvals"])
def test_every_trigger_can_be_taken_back(label: str, vendor: str) -> None:
    """A migration that cannot be reversed cannot be tried."""
    folder = Path(apps.get_app_config(label).path) / "migrations" / "sql"
    assert _sql_files(folder, vendor)
    for name in _sql_files(folder, vendor):
        forwards = "\n".join(read_statements(folder, name, vendor))
        backwards = "\n".join(read_statements(folder, name, vendor, "reverse.sql"))
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
