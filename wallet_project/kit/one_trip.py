"""Statements that wait for each other's effect and not for each other's answer travel together.

Each trip to the database costs a transaction that holds locks a tenth of a millisecond, and in a
busy process also a turn at the interpreter. Within `one_trip()` statements that change rows are
kept until its end and sent as one text, in their order; the database executes them one by one and
stops at the first that fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from django.db import connections

from wallet_project.kit.database import PRIMARY

_KEPT: Final = "_wallet_statements_kept"


@dataclass(frozen=True, slots=True)
class _Statement:
    sql: str
    params: Sequence[Any]
    check: Callable[[int], None] | None


def change(sql: str, params: Sequence[Any], *, check: Callable[[int], None] | None = None) -> None:
    """Execute a statement that changes rows, now or together with others at the end of the trip.

    `check` is told how many rows it matched, and raises if that is wrong.
    """
    connection = connections[PRIMARY]
    kept: list[_Statement] | None = getattr(connection, _KEPT, None)
    statement = _Statement(sql, params, check)
    if kept is not None:
        kept.append(statement)
        return
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        _look(statement, cursor.rowcount)


@contextmanager
def one_trip() -> Iterator[None]:
    """Keep what `change` is given and send it together; if the block fails, nothing is sent.

    :raises django.db.Error: if a statement failed; the transaction has to be rolled back.
    """
    connection = connections[PRIMARY]
    if connection.vendor != "mysql":
        yield  # SQLite makes no trips
        return
    kept: list[_Statement] = []
    setattr(connection, _KEPT, kept)
    try:
        yield
    finally:
        setattr(connection, _KEPT, None)
    _send(kept)


def _send(statements: Sequence[_Statement]) -> None:
    if not statements:
        return
    sql = ";\n".join(statement.sql for statement in statements)
    params = [value for statement in statements for value in statement.params]
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute(sql, params)
        for place, statement in enumerate(statements):
            if place:
                cursor.nextset()
            _look(statement, cursor.rowcount)


def _look(statement: _Statement, matched: int) -> None:
    if statement.check is not None:
        statement.check(matched)
