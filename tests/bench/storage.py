"""How many bytes the primary has on disk: tables of one database, and the binary log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Bytes:
    """Sizes at one moment."""

    tables: int
    binary_log: int

    def since(self, before: Bytes) -> Bytes:
        """Return the growth."""
        return Bytes(self.tables - before.tables, self.binary_log - before.binary_log)


def sizes(stack_home: Path, database: str) -> Bytes:
    """Add up the files of a database on the stack's primary; zeros where they cannot be seen."""
    data = stack_home / "parts" / "mysql-primary" / "data"
    try:
        tables = sum(file.stat().st_size for file in (data / database).glob("*.ibd"))
        binary_log = sum(file.stat().st_size for file in data.glob("binlog.[0-9]*"))
    except (FileNotFoundError, PermissionError):
        return Bytes(0, 0)
    return Bytes(tables, binary_log)
