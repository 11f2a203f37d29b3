"""`manage.py sync_roles`: give each role the rights that the table of roles says."""

from __future__ import annotations

import sys
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from wallet_project.back_office import roles
from wallet_project.kit import audit
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import PRIMARY

DIFFERENT: Final = 2


class Command(BaseCommand):
    """Run after an update that brings new rights; safe to run twice."""

    help = "Give each role exactly its rights. Exit code 2: --dry-run found differences."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the command line."""
        parser.add_argument("--dry-run", action="store_true", help="only tell what would change")

    def handle(self, *args: Any, **options: Any) -> None:
        """Change what differs, and tell it line by line."""
        with transaction.atomic(using=PRIMARY):
            changes = roles.sync(PRIMARY, dry_run=options["dry_run"])
            if changes and not options["dry_run"]:
                act = Act("role.sync", "auth.group", detail={"changes": changes})
                audit.record(Actor("command:sync_roles"), act)
        for change in changes:
            self.stdout.write(change)
        self.stderr.write(
            f"{len(changes)} differences." if changes else "Every role is as it should be."
        )
        if changes and options["dry_run"]:
            sys.exit(DIFFERENT)
