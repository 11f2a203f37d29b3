"""Hold wallets against the books."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from wallet_project.kit import database
from wallets import auditing


class Command(BaseCommand):
    """Exit 0: nothing found. Exit 2: wallets disagree. Exit 1: it could not look."""

    help = (
        "Do once what beat does each minute: look at the wallets that were posted to since the "
        "last run, and at a part of all others; freeze those that disagree with the books and tell "
        "operators. Money may move meanwhile."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--seconds", type=float, default=auditing.BUDGET_SECONDS, help="for how long to walk on"
        )
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        with database.long_statements():
            found = auditing.audit(budget_seconds=options["seconds"])
        if options["json"]:
            self.stdout.write(json.dumps(found.as_dict(), indent=2))
        else:
            for one in found.findings:
                self.stdout.write(f"{one.invariant} {one.subject}: {one.detail}")
            self.stdout.write(
                f"{found.changed} changed wallets and {found.walked} others: "
                f"{len(found.findings)} findings, {len(found.frozen)} frozen."
            )
        if found.findings:
            sys.exit(2)
