"""Make the test database as its owner, use it as the application, empty it between tests."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from wallet_project.db_router import Router
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.kept import guarded_tables

KEPT: Final = {
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
    "wallets_plan",
    "events_shardlease",
    "events_eventcounter",
    "fraud_rule",
}
"""Tables whose rows belong to the schema; the others are emptied."""

TEST_DATABASE: Final = os.environ.get("TEST_DATABASE", "test_wallet")


_URLS: Final = (
    *("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_REPLICA_URL"),
    *("DATABASE_ERASER_URL", "DATABASE_REAPER_URL", "DATABASE_READONLY_URL"),
)


class OnPrimary(Router):
    """Send every query that names no database to the primary."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        """Choose the database of a read."""
        return PRIMARY


def is_mysql() -> bool:
    """Tell whether this run is on MySQL (or MariaDB) rather than SQLite."""
    return connections["default"].vendor == "mysql"


def is_mariadb() -> bool:
    """Tell whether this run is on MariaDB."""
    connection: Any = connections["default"]
    return is_mysql() and bool(connection.mysql_is_mariadb)


def owner() -> str:
    """Name the connection that may do everything."""
    return "owner" if "owner" in connections.databases else "default"


def make_test_database() -> None:
    """Create the database anew, migrate it, and give the application's user its rights."""
    if is_mysql():
        make_empty_database(TEST_DATABASE)
        for alias in connections:
            connections[alias].close()
            connections.databases[alias]["NAME"] = TEST_DATABASE
            connections[alias].settings_dict["NAME"] = TEST_DATABASE
        for name in _URLS:
            # Processes that tests start read the same database.
            if name in os.environ:
                os.environ[name] = os.environ[name].rsplit("/", 1)[0] + "/" + TEST_DATABASE
    call_command("migrate", database=owner(), verbosity=0, interactive=False)
    if is_mysql():
        call_command("grant_app_user", verbosity=0)


def make_empty_database(name: str) -> None:
    """Create a MySQL database anew, without tables."""
    with connections[owner()].cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")


MANY: Final = 1_000
"""So many rows are not deleted one by one: a million take longer than a statement may."""


def empty_tables() -> None:
    """Remove every row that a test may have written."""
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    guarded = {one.table for one in guarded_tables()}
    filled = _filled(sorted(tables - KEPT))
    connection = connections[owner()]
    with connection.cursor() as cursor, connection.constraint_checks_disabled():
        if connection.vendor == "mysql":
            for table, rows in filled.items():
                is_cheap = rows < MANY and table not in guarded
                verb = "DELETE FROM" if is_cheap else "TRUNCATE"
                cursor.execute(f"{verb} {table}")
        else:
            _empty_sqlite(cursor, filled)
        cursor.execute("UPDATE events_shardlease SET holder = ''")
        cursor.execute("UPDATE events_eventcounter SET last_position = 0")


def _filled(tables: Iterable[str]) -> dict[str, int]:
    """Return the tables that have rows, and how many: counted up to MANY."""
    query = " UNION ALL ".join(
        f"SELECT '{table}', COUNT(*) FROM (SELECT 1 FROM {table} LIMIT {MANY}) AS some_{place}"
        for place, table in enumerate(tables)
    )
    with connections[owner()].cursor() as cursor:
        cursor.execute(query)
        return {table: rows for table, rows in cursor.fetchall() if rows}


def _empty_sqlite(cursor: object, tables: Iterable[str]) -> None:
    execute = cursor.execute  # type: ignore[attr-defined]
    execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    triggers = cursor.fetchall()  # type: ignore[attr-defined]
    for name, _ in triggers:
        execute(f"DROP TRIGGER {name}")
    for table in tables:
        execute(f"DELETE FROM {table}")
    for _, sql in triggers:
        execute(sql)


def environment(database: str | None = None) -> dict[str, str]:
    """Make the environment of a process that works on this run's test database, or on another."""
    found = dict(os.environ)
    if database is not None:
        found |= {
            name: url.rsplit("/", 1)[0] + "/" + database
            for name, url in found.items()
            if name in _URLS
        }
    found["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    if not is_mysql():
        found["DATABASE_URL"] = f"sqlite:///{settings.DATABASES['default']['NAME']}"
    return found
