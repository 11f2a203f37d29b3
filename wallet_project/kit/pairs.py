"""Find rows by pairs of an id and a number, each by one look in a unique index.

`(a, b) IN ((…), (…))` is a scan on some of the engines; a join with the pairs is none on any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.db import connections, models

from wallet_project.kit.database import PRIMARY

_PAIRS_A_STATEMENT: Final = 400
"""SQLite joins 500 SELECTs at most."""

Pair = tuple[UUID, int]


def rows_at(
    model: type[models.Model],
    key: tuple[str, str],
    pairs: Iterable[Pair],
    columns: Sequence[str],
) -> Iterator[tuple[Any, ...]]:
    """Read columns, as the model gives them, of the rows whose two key columns are such a pair.

    `key` and `columns` are names of columns; the first of the key holds UUIDs as bytes.
    """
    left = iter(pairs)
    fields = {str(field.column): field for field in model._meta.concrete_fields}
    connection = connections[PRIMARY]
    converters = [_converters(fields[name], connection) for name in columns]
    named = ", ".join(f"found.{name}" for name in columns)
    while page := list(islice(left, _PAIRS_A_STATEMENT)):
        wanted = " UNION ALL ".join(
            f"SELECT x'{id_.hex}' AS id_, {int(number)} AS number_" for id_, number in page
        )
        sql = (
            f"SELECT {named} FROM ({wanted}) AS wanted "  # noqa: S608 - hex digits and numbers
            f"JOIN {model._meta.db_table} AS found "
            f"ON found.{key[0]} = wanted.id_ AND found.{key[1]} = wanted.number_"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql)
            for row in cursor.fetchall():
                yield tuple(
                    _convert(value, how, connection)
                    for value, how in zip(row, converters, strict=True)
                )


def _converters(field: Any, connection: Any) -> list[Any]:
    column = field.get_col(field.model._meta.db_table)
    return [
        *connection.ops.get_db_converters(column),
        *column.get_db_converters(connection),
    ]


def _convert(value: Any, converters: list[Any], connection: Any) -> Any:
    for convert in converters:
        value = convert(value, None, connection)
    return value
