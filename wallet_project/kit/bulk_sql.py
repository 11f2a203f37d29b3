"""Long INSERTs and value lists at the speed the write path needs.

`bulk_create` costs 70 us a row, most of it to look at each value again for each row; a list of 256
movements inserts over a thousand rows while its wallets are locked. Here each column is looked at
once, and values that cannot carry an injection (numbers, bytes as hex digits, times) become part of
the statement; every text travels as a parameter, escaped by the driver.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

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


def sql_number(value: int) -> str:
    """Write a number as SQL."""
    return str(int(value))


def sql_moment(value: datetime | None) -> str:
    """Write a moment in UTC, or none, as SQL."""
    if value is None:
        return "NULL"
    if value.tzinfo is not UTC:
        raise ValueError("Only times in UTC are stored.")
    return f"'{value.replace(tzinfo=None)}'"


def each_by_id(values: Mapping[UUID, str]) -> str:
    """Write a value, which is SQL already, for each row: `CASE id WHEN … THEN … END`.

    One value for all rows is written once, for a CASE is compared row by row and grows with the
    square of the list.
    """
    first, *others = set(values.values())
    if not others:
        return first
    cases = [f"WHEN x'{id_.hex}' THEN {value}" for id_, value in values.items()]
    return f"CASE id {' '.join(cases)} END"


class Blank(models.Func):
    """A place in a statement that the ORM writes once and that is filled in for every list.

    The ORM takes half a millisecond to write an UPDATE with `F()`, as long as the database takes
    to run it. What is filled in is SQL made of column names, numbers and hex digits only.
    """

    def __init__(self, name: str, output_field: models.Field[Any, Any]) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    @property
    def conditional(self) -> bool:
        """Tell Django whether this may stand as a condition."""
        return isinstance(self.output_field, models.BooleanField)

    def resolve_expression(self, *args: Any, **kwargs: Any) -> Blank:
        return self

    def as_sql(  # type: ignore[override]  # no template, no function name: one shape only
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        return f"{{{self.name}}}", []


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


_COLUMNS: Final[list[tuple[type[models.Field[Any, Any]], _Column]]] = [
    (BinaryUUIDField, _Column(lambda value: f"x'{value.hex}'")),
    (models.BinaryField, _Column(lambda value: f"x'{value.hex()}'")),
    (models.IntegerField, _Column(sql_number)),
    (models.DateTimeField, _Column(sql_moment)),
    (models.DateField, _Column(lambda value: f"'{value.isoformat()}'")),
    (models.JSONField, _Column(json.dumps, is_parameter=True)),
    (models.CharField, _Column(str, is_parameter=True)),
]
