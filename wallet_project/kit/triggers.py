"""Migration operation that runs SQL from files beside the migration, one file per engine."""

from __future__ import annotations

from pathlib import Path

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

_SEPARATOR = "-- statement"


class RunSqlFile(Operation):
    """Run `<name>.<vendor>.sql`; reverse with `<name>.<vendor>.reverse.sql`.

    A file holds statements separated by lines that start with `-- statement`, because a trigger's
    body has semicolons of its own. MySQL and MariaDB share the vendor name `mysql`.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, folder: str, name: str) -> None:
        self.folder = folder
        self.name = name

    def deconstruct(self) -> tuple[str, list[str], dict[str, str]]:
        return type(self).__name__, [self.folder, self.name], {}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing in the state: triggers are not part of Django's models."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._run(schema_editor, "sql")

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._run(schema_editor, "reverse.sql")

    def describe(self) -> str:
        return f"Run {self.name}"

    def _run(self, schema_editor: BaseDatabaseSchemaEditor, ending: str) -> None:
        for statement in read_statements(
            Path(self.folder), self.name, schema_editor.connection.vendor, ending
        ):
            schema_editor.execute(statement, params=None)


def read_statements(folder: Path, name: str, vendor: str, ending: str = "sql") -> list[str]:
    """Read the statements of `<name>.<vendor>.<ending>` in order."""
    text = (folder / f"{name}.{vendor}.{ending}").read_text(encoding="utf-8")
    parts = "\n" + text
    return [
        body.strip()
        for part in parts.split("\n" + _SEPARATOR)[1:]
        if (body := part.partition("\n")[2]).strip()
    ]
