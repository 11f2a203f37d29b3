"""Long INSERTs and value lists at the speed the write path needs.

`bulk_create` costs 70 us a row, most of it to look at each value again for each row; a list of 256
movements inserts over a thousand rows while its wallets are locked. Here each column is looked at
once, and values that cannot carry an injection (numbers, bytes as hex digits, times) become part of
the statement; every text travels as a parameter, escaped by the driver.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler

from wallet_project.kit import one_trip
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.fields import BinaryUUIDField

ROWS_A_STATEMENT: Final = 256
"""Keeps a statement far below SQLite's million characters and MySQL's packet."""


@dataclass(frozen=True, slots=True)
class _Column:
    """How one column's values are written."""

    write: Callable[[Any], Any]
    is_parameter: bool = False
    """Whether what `write` returns is handed to the driver instead of standing in the text."""


def insert_rows(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows given as tuples of plain values, in order, inside the caller's transaction;
    within `one_trip` at its end.

    `columns` are field names (`attname` for foreign keys). Columns left out get the database's
    default, so they must be nullable or counted by the database.
    """
    head, plan = _plan(model, tuple(columns))
    for start in range(0, len(rows), ROWS_A_STATEMENT):
        params: list[Any] = []
        tuples = [_write(row, plan, params) for row in rows[start : start + ROWS_A_STATEMENT]]
        one_trip.change(head + ", ".join(tuples), params)


def _write(row: Sequence[Any], plan: Sequence[_Column], params: list[Any]) -> str:
    written = []
    for value, column in zip(row, plan, strict=True):
        if value is None:
            written.append("NULL")
        elif column.is_parameter:
            params.append(column.write(value))
            written.append("%s")
        else:
            written.append(column.write(value))
    return f"({', '.join(written)})"


def hex_list(values: Iterable[bytes]) -> str:
    """Write bytes as a list of SQL literals: `x'00ff', x'…'`."""
    return ", ".join([f"x'{value.hex()}'" for value in values])


class RawCondition(models.Func):
    """A condition whose SQL is ready, made of column names, numbers and hex digits only."""

    conditional = True

    def __init__(self, sql: str) -> None:
        super().__init__(output_field=models.BooleanField())
        self.sql = sql

    def resolve_expression(self, *args: Any, **kwargs: Any) -> RawCondition:
        return self

    def as_sql(  # type: ignore[override]  # no template, no function name: one shape only
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        return self.sql, []


@cache
def _plan(model: type[models.Model], columns: tuple[str, ...]) -> tuple[str, list[_Column]]:
    by_name = {field.attname: field for field in model._meta.concrete_fields}
    fields = [by_name[name] for name in columns]
    quote = connections[PRIMARY].ops.quote_name
    names = ", ".join(quote(str(field.column)) for field in fields)
    head = f"INSERT INTO {quote(model._meta.db_table)} ({names}) VALUES "  # noqa: S608 - the model's
    return head, [_column_of(field) for field in fields]


def _column_of(field: Any) -> _Column:
    if field.is_relation:
        field = field.target_field
    for kind, column in _COLUMNS:
        if isinstance(field, kind):
            return column
    raise TypeError(f"No way is known to write a {type(field).__name__}.")


def _moment(value: datetime) -> str:
    if value.tzinfo is not UTC:
        raise ValueError("Only times in UTC are stored.")
    return f"'{value.replace(tzinfo=None)}'"


_COLUMNS: Final[list[tuple[type[models.Field[Any, Any]], _Column]]] = [
    (BinaryUUIDField, _Column(lambda value: f"x'{value.hex}'")),
    (models.BinaryField, _Column(lambda value: f"x'{value.hex()}'")),
    (models.IntegerField, _Column(lambda value: str(int(value)))),
    (models.DateTimeField, _Column(_moment)),
    (models.DateField, _Column(lambda value: f"'{value.isoformat()}'")),
    (models.JSONField, _Column(json.dumps, is_parameter=True)),
    (models.CharField, _Column(str, is_parameter=True)),
]
