"""Fill large tables without their secondary indexes, and build these afterwards, sorted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

_SECONDARY: Final = re.compile(r"^\s+((?:UNIQUE )?KEY `(\w+)` \(.+\).*?),?$", re.MULTILINE)


def secondary(created: str) -> dict[str, str]:
    """Return the definitions of secondary indexes by name, from what SHOW CREATE TABLE says."""
    return {name: definition for definition, name in _SECONDARY.findall(created)}


@contextmanager
def left_out(connection: Any, tables: Mapping[str, set[str]]) -> Iterator[None]:
    """Drop the secondary indexes of these tables, except those named, and build them at the end.

    A row that goes into an index alone costs several times what it costs in a sorted build.
    """
    definitions = {}
    try:
        for table, kept in tables.items():
            found = secondary(_created(connection, table))
            definitions[table] = {name: found[name] for name in found.keys() - kept}
            _alter(connection, table, [f"DROP INDEX `{name}`" for name in definitions[table]])
        yield
    finally:
        for table, left in definitions.items():
            missing = left.keys() - secondary(_created(connection, table)).keys()
            _alter(connection, table, [f"ADD {left[name]}" for name in sorted(missing)])


def _created(connection: Any, table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW CREATE TABLE {table}")
        return str(cursor.fetchone()[1])


def _alter(connection: Any, table: str, changes: list[str]) -> None:
    if changes:
        connection.query(f"ALTER TABLE {table} {', '.join(changes)}")
