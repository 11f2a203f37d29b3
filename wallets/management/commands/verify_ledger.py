"""Prove the ledger."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from wallet_project.kit import database
from wallets import verification


class Command(BaseCommand):
    """Exit 0: everything holds. Exit 2: differences were found. Exit 1: it could not look."""

    help = (
        "Check that wallets, books and events agree and that the database still guards them "
        "(invariants I1, I2, I3, I5, I6, I8, I9, I10, I18). Changes nothing; may run while money "
        "moves."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch-size", type=int, default=500, help="rows read at a time")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        with database.long_statements():
            report = verification.verify(
                batch_size=max(options["batch_size"], 1),
                progress=lambda line: self.stderr.write(line),
            )
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict(), indent=2))
        else:
            for note in report.notes:
                self.stderr.write(f"not looked at, {note}")
            for finding in report.findings:
                self.stdout.write(f"{finding.invariant} {finding.subject}: {finding.detail}")
            self.stdout.write(
                f"{report.wallets} wallets, {report.entries} journal entries: "
                + ("sound." if report.is_sound else f"{len(report.findings)} findings.")
            )
        if not report.is_sound:
            sys.exit(2)
