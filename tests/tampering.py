"""Change the books by hand, as somebody who owns the database and leaves no guard standing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connections

from tests import databases
from wallet_project.kit.triggers import read_statements

_SQL: Final = Path(settings.BASE_DIR) / "ledger" / "migrations" / "sql"
_GUARDS: Final = ("append_only", "seals")


def by_hand(*statements: str, **values: Any) -> None:
    """Run statements as the owner, with the triggers of the books taken away meanwhile.

    Values are named in a statement as `%(name)s`.
    """
    with unguarded():
        connection = connections[databases.owner()]
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement, values)
                assert cursor.rowcount != 0, f"nothing was changed by {statement}"


def forget_seals() -> None:
    """Remove every seal."""
    with unguarded(), connections[databases.owner()].cursor() as cursor:
        cursor.execute("DELETE FROM ledger_seal")


@contextmanager
def unguarded() -> Iterator[None]:
    """Take the triggers of the books away, and put them back."""
    _run("reverse.sql")
    try:
        yield
    finally:
        _run("sql")


def _run(ending: str) -> None:
    connection = connections[databases.owner()]
    with connection.cursor() as cursor:
        for name in _GUARDS:
            for statement in read_statements(_SQL, name, connection.vendor, ending):
                cursor.execute(statement)
