"""Reports that read much are given up before somebody's browser, or the database, suffers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import OperationalError, connections

from wallet_project.kit.database import PRIMARY, error_number

STATEMENT_SECONDS: Final = 5
"""Less than the `read_timeout` of the connection, which would be lost by that."""

# MySQL's ER_QUERY_TIMEOUT and MariaDB's ER_STATEMENT_TIMEOUT.
_INTERRUPTED: Final = frozenset({3024, 1969})


class TooSlow(Exception):
    """A statement was given up."""


@contextmanager
def limited(*, seconds: int = STATEMENT_SECONDS) -> Iterator[None]:
    """Let no read on the primary within take longer; SQLite knows no limit.

    :raises TooSlow: if one did.
    """
    connection: Any = connections[PRIMARY]
    if connection.vendor != "mysql":
        yield
        return
    name, limit = (
        ("max_statement_time", seconds)
        if connection.mysql_is_mariadb
        else ("max_execution_time", seconds * 1000)
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SET SESSION {name} = %s", [limit])
    try:
        yield
    except OperationalError as error:
        if error_number(error) in _INTERRUPTED:
            raise TooSlow from error
        raise
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute(f"SET SESSION {name} = DEFAULT")
