"""Looks whether the database still has the guards that the models count on.

Unique indexes, CHECKs, the triggers of append-only tables, and the rights that the application's
user must not have. A migration made by hand, a restore or a hurried GRANT takes them away silently.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from wallet_project.kit.database import PRIMARY
from wallet_project.kit.kept import guarded_tables

OWNER: Final = "owner"
_FORBIDDEN: Final = ("UPDATE", "DELETE", "DROP", "ALTER", "TRIGGER")
"""Rights that change rows of an append-only table, or take its triggers away. TRUNCATE is DROP."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A guard that is not there."""

    table: str
    detail: str


@dataclass(frozen=True, slots=True)
class Unseen:
    """Guards that cannot be looked at here, and why."""

    reason: str


def missing_uniques(tables: Iterable[type[models.Model]] | None = None) -> Iterator[Gap]:
    """Find what the models call unique and the database does not keep unique."""
    for model, found in _constraints(tables, connections[PRIMARY]):
        unique = [one for one in found.values() if one["unique"] or one["primary_key"]]
        kept = {frozenset(one["columns"]) for one in unique}
        for columns in _wanted_uniques(model):
            if frozenset(columns) not in kept:
                named = ", ".join(columns)
                yield Gap(model._meta.db_table, f"no unique index keeps ({named}) unique")


def missing_checks(tables: Iterable[type[models.Model]] | None = None) -> Iterator[Gap | Unseen]:
    """Find the CHECK constraints that the database does not have."""
    if not connections[PRIMARY].features.supports_table_check_constraints:
        yield Unseen(
            "this version of the database ignores CHECK constraints; the guard in the statement "
            "that updates balances holds the floor"
        )
        return
    connection = _widest()
    if getattr(connection, "mysql_is_mariadb", False) and connection.alias == PRIMARY:
        yield Unseen(
            "MariaDB shows CHECK constraints to the owner of a table only; set DATABASE_OWNER_URL "
            "to look at them"
        )
        return
    for model, found in _constraints(tables, connection):
        kept = {name for name, one in found.items() if one["check"]}
        for wanted in model._meta.constraints:
            if isinstance(wanted, models.CheckConstraint) and wanted.name not in kept:
                yield Gap(model._meta.db_table, f"the CHECK {wanted.name} is missing")


def missing_triggers() -> Iterator[Gap | Unseen]:
    """Find append-only tables whose rows no trigger protects from a change or a removal."""
    connection = _widest()
    if connection.vendor == "mysql" and not all(
        "TRIGGER" in _rights(connection, guarded.table) for guarded in guarded_tables()
    ):
        yield Unseen(
            "the application's user cannot see triggers; set DATABASE_OWNER_URL to look at them"
        )
        return
    there = _triggers(connection)
    for guarded in guarded_tables():
        for event in ("UPDATE",) if guarded.purgeable else ("UPDATE", "DELETE"):
            if (guarded.table, event) not in there:
                yield Gap(guarded.table, f"no trigger stands before {event}")


def excess_rights() -> Iterator[Gap | Unseen]:
    """Find rights on append-only tables that the application's user must not have."""
    connection = connections[PRIMARY]
    if connection.vendor != "mysql":
        yield Unseen("this database has no users with rights; triggers alone keep rows as they are")
        return
    for guarded in guarded_tables():
        table = guarded.table
        allowed = {"DELETE"} if guarded.purgeable else set()
        held = _rights(connection, table)
        for right in _FORBIDDEN:
            if right in held and right not in allowed:
                yield Gap(table, f"the application's user has the right to {right}")
        for column in sorted(_changeable(connection, table) - set(guarded.changing)):
            yield Gap(table, f"the application's user has the right to UPDATE {column}")


def _widest() -> BaseDatabaseWrapper:
    """Return the connection that sees most: the owner's, where this process has it."""
    return connections[OWNER if OWNER in connections.databases else PRIMARY]


def _constraints(
    tables: Iterable[type[models.Model]] | None, connection: BaseDatabaseWrapper
) -> Iterator[tuple[type[models.Model], dict[str, Any]]]:
    wanted = apps.get_models(include_auto_created=True) if tables is None else tables
    with connection.cursor() as cursor:
        for model in wanted:
            if model._meta.managed and not model._meta.proxy:
                table = model._meta.db_table
                yield model, connection.introspection.get_constraints(cursor, table)


def _wanted_uniques(model: type[models.Model]) -> Iterator[list[str]]:
    meta = model._meta
    for field in meta.local_concrete_fields:
        if field.unique:
            yield [str(field.column)]
    groups = [constraint.fields for constraint in meta.total_unique_constraints]
    columns = {field.name: str(field.column) for field in meta.local_concrete_fields}
    for group in (*groups, *meta.unique_together):
        yield [columns[name] for name in group]


def _triggers(connection: BaseDatabaseWrapper) -> set[tuple[str, str]]:
    """Read which tables have a trigger before which event."""
    with connection.cursor() as cursor:
        if connection.vendor == "mysql":
            cursor.execute(
                "SELECT EVENT_OBJECT_TABLE, EVENT_MANIPULATION FROM information_schema.TRIGGERS "
                "WHERE TRIGGER_SCHEMA = DATABASE() AND ACTION_TIMING = 'BEFORE'"
            )
            return {(str(table), str(event)) for table, event in cursor.fetchall()}
        cursor.execute("SELECT tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")
        return {
            (str(table), event)
            for table, sql in cursor.fetchall()
            for event in ("UPDATE", "DELETE")
            if f"BEFORE {event} ON" in sql
        }


def _rights(connection: BaseDatabaseWrapper, table: str) -> set[str]:
    """Read what this connection's user may do with a table, granted on whatever level."""
    rows = _granted(
        connection,
        "SELECT PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = %s "
        "UNION SELECT PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES "
        "WHERE GRANTEE = %s AND DATABASE() LIKE TABLE_SCHEMA "
        "UNION SELECT PRIVILEGE_TYPE FROM information_schema.TABLE_PRIVILEGES "
        "WHERE GRANTEE = %s AND TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s",
        3,
        table,
    )
    return set(rows)


def _changeable(connection: BaseDatabaseWrapper, table: str) -> set[str]:
    """Read which single columns of a table this connection's user may update."""
    rows = _granted(
        connection,
        "SELECT COLUMN_NAME FROM information_schema.COLUMN_PRIVILEGES WHERE GRANTEE = %s "
        "AND TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s AND PRIVILEGE_TYPE = 'UPDATE'",
        1,
        table,
    )
    return set(rows)


def _granted(connection: BaseDatabaseWrapper, sql: str, grantees: int, table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT CURRENT_USER()")
        user, _, host = str(cursor.fetchone()[0]).rpartition("@")
        cursor.execute(sql, [*[f"'{user}'@'{host}'"] * grantees, table])
        return [str(value) for (value,) in cursor.fetchall()]
