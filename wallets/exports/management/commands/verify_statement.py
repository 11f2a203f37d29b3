"""Prove that the books still say what statements said when they were issued."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from wallet_project.kit.database import PRIMARY
from wallet_project.kit.reading_command import ReadingCommand
from wallets.exports import issuing
from wallets.exports.models import IssuedStatement
from wallets.identity import parse_uuid


class Command(ReadingCommand):
    """Exit 0: all hold. Exit 1: it could not look. Exit 2: differences."""

    help = (
        "Make statements anew from the books and compare their hashes with those that were "
        "issued. Names statements by number, or all of a wallet, or all there are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("statement", nargs="*", help="its number")
        parser.add_argument("--wallet", help="all statements of this wallet, by its UUID")
        parser.add_argument("--all", action="store_true", help="all statements")
        parser.add_argument("--after", help="with --all: only those after this number")
        parser.add_argument("--json", action="store_true", help="an object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = IssuedStatement.objects.using(PRIMARY).order_by("pk")
        if options["statement"]:
            rows = rows.filter(pk__in=[_uuid(one) for one in options["statement"]])
            if rows.count() != len(set(options["statement"])):
                raise CommandError("Not all of these statements exist.")
        elif options["wallet"]:
            rows = rows.filter(wallet=_uuid(options["wallet"]))
        elif not options["all"]:
            raise CommandError("Name statements by number, or use --wallet or --all.")
        if options["after"]:
            rows = rows.filter(pk__gt=_uuid(options["after"]))
        wrong = looked = 0
        for row in rows.iterator(chunk_size=200):
            differences = issuing.verify(row)
            looked += 1
            wrong += bool(differences)
            self._tell(row, differences, as_json=options["json"])
        self.stderr.write(f"{looked} statements, {wrong} differ.")
        if wrong:
            raise SystemExit(2)

    def _tell(self, row: IssuedStatement, differences: list[str], *, as_json: bool) -> None:
        if as_json:
            told = {
                "statement": str(row.pk),
                "wallet": str(row.wallet),
                "lines": row.lines,
                "sha256": bytes(row.sha256).hex(),
                "differences": differences,
            }
            self.stdout.write(json.dumps(told))
            return
        verdict = f"{len(differences)} differences" if differences else "holds"
        self.stdout.write(f"statement {row.pk}, {row.lines} lines: {verdict}")
        for difference in differences:
            self.stdout.write(f"  {difference}")


def _uuid(text: str) -> Any:
    found = parse_uuid(text)
    if found is None:
        raise CommandError(f"{text} is no UUID.")
    return found
