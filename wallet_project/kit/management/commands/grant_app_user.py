"""Give the application's database user its rights, table by table."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from wallet_project.kit.database_roles import ERASER, READONLY, REAPER, ROLES, role_grants
from wallet_project.kit.kept import guarded_tables


class Command(BaseCommand):
    """Run after each migration, as the user who owns the tables."""

    help = (
        "Grant the application's MySQL user what it needs and no more: rows of append-only tables "
        "can be read and inserted, all others also changed and removed. The users of "
        "DATABASE_ERASER_URL, DATABASE_REAPER_URL and DATABASE_READONLY_URL get those of their "
        "roles. Safe to run twice."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--database", default="owner", help="connection of the owner")
        parser.add_argument("--user", default="", help="default: the user of DATABASE_URL")
        parser.add_argument(
            "--role", choices=sorted(ROLES), help="grant this role's few rights to --user instead"
        )
        parser.add_argument("--dry-run", action="store_true", help="print the statements only")

    def handle(self, *args: Any, **options: Any) -> None:
        alias = options["database"]
        if alias not in connections.databases:
            raise CommandError(f"There is no database {alias!r}; set DATABASE_OWNER_URL.")
        connection = connections[alias]
        if connection.vendor != "mysql":
            raise CommandError("Only MySQL and MariaDB have users with rights; nothing to do.")
        schema = connection.settings_dict["NAME"]
        for role, user in _asked(options):
            if not user.replace("_", "").isalnum():
                raise CommandError(f"{user!r} is not a plain user name.")
            for statement in role_grants(schema, user, role) if role else grants(schema, user):
                if options["dry_run"]:
                    self.stdout.write(statement + ";")
                    continue
                with connection.cursor() as cursor:
                    cursor.execute(statement)
            self.stderr.write(f"The rights of {user} are set.")


def _asked(options: dict[str, Any]) -> list[tuple[str, str]]:
    """Tell who is to get which role's rights; the application's has no name."""
    logins = {
        ERASER: settings.DATABASE_ERASER,
        REAPER: settings.DATABASE_REAPER,
        READONLY: settings.DATABASE_READONLY,
    }
    known = {role: login["USER"] for role, login in logins.items() if login is not None}
    role, user = options["role"], options["user"]
    if role:
        if not (user or role in known):
            raise CommandError(f"Say by --user who gets the rights of {role}.")
        return [(role, user or known[role])]
    app = settings.DATABASES["default"]["USER"]
    if user:
        return [("", user)]
    taken = sorted(role for role, one in known.items() if one == app)
    if taken:
        raise CommandError(f"{app} is the application's user: give {', '.join(taken)} its own.")
    return [("", app), *sorted(known.items())]


def grants(schema: str, user: str) -> list[str]:
    """Write the GRANT statements for every table of the project."""
    guarded = {one.table: one for one in guarded_tables()}
    tables = {m._meta.db_table for m in apps.get_models(include_auto_created=True)}
    statements = [f"GRANT SELECT ON `{schema}`.`django_migrations` TO `{user}`@`%`"]
    for table in sorted(tables):
        rights = "SELECT, INSERT, UPDATE, DELETE"
        found = guarded.get(table)
        if found is not None:
            rights = "SELECT, INSERT"
            if found.changing:
                rights += f", UPDATE ({', '.join(found.changing)})"
            if found.purgeable:
                rights += ", DELETE"
        statements.append(f"GRANT {rights} ON `{schema}`.`{table}` TO `{user}`@`%`")
    return statements
