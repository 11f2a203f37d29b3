"""Prove that closed months are what they were."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ledger.periods import keeping
from wallet_project.kit import database
from wallets.client_names import by_number
from wallets.management.naming import client_named


class Command(BaseCommand):
    """Exit 0: all are. Exit 2: some are not. Exit 1: it could not look."""

    help = (
        "List the closed months of all clients, or of one; hold each against its hash and, if it "
        "is in force, against the books. Changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--client", help="only this client's, by its name")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        client = None if options["client"] is None else client_named(options["client"])
        with database.long_statements():
            found = keeping.look(client)
        names = by_number({one.client for one in found})
        if options["json"]:
            lines = [
                asdict(one) | {"client": names.get(one.client, ""), "month": f"{one.month:%Y-%m}"}
                for one in found
            ]
            self.stdout.write(json.dumps(lines, indent=2))
        else:
            for one in found:
                state = "in force" if one.is_in_force else "opened again"
                name = names.get(one.client, one.client)
                self.stdout.write(f"{name} {one.month:%Y-%m} version {one.version}: {state}")
                for wrong in one.findings:
                    self.stdout.write(f"  {wrong}")
        if any(one.findings for one in found):
            sys.exit(2)
