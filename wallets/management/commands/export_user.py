"""Export all that is kept about a user."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wallet_project.kit import database
from wallet_project.kit.clock import rfc3339
from wallets.management import people
from wallets.operations.export_user import export_user

_ROWS_BETWEEN_SIGNS = 1_000
_UNDERSCORE = re.compile(r"_([a-z])")


class Command(BaseCommand):
    """Exit 0: written to the end. Exit 1: not, and then there is no file."""

    help = (
        "Write all that is kept about a user, a JSON object a line, each with its `kind`: wallets, "
        "entries with their postings, holds, operations, payouts, contacts, notifications, events. "
        "Amounts are minor units. The export is recorded."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        people.add_arguments(parser)
        parser.add_argument("--out", type=Path, metavar="FILE", help="default: stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        order, wallets = people.order_of(options, "export_user")
        if not wallets:
            self.stderr.write(people.explain_nobody(order))
            return
        with database.long_statements():
            rows = export_user(wallets=wallets, order=order)
            if options["out"] is None:
                number = self._write(rows, self.stdout)
            else:
                number = self._write_file(rows, options["out"])
        self.stderr.write(f"{number} rows of {len(wallets)} wallets.")

    def _write_file(self, rows: Iterable[Mapping[str, Any]], out: Path) -> int:
        part = out.with_name(out.name + ".part")
        try:
            # Nobody but the operator's own user may read it, from the first byte on.
            part.unlink(missing_ok=True)
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                number = self._write(rows, file)
            part.replace(out)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise CommandError(f"{out} cannot be written: {error.strerror}.") from error
        return number

    def _write(self, rows: Iterable[Mapping[str, Any]], file: Any) -> int:
        number = 0
        for row in rows:
            number += 1
            file.write(json.dumps(_named(row), default=_plain, ensure_ascii=False) + "\n")
            if number % _ROWS_BETWEEN_SIGNS == 0:
                self.stderr.write(f"{number} rows")
        return number


def _named(row: Mapping[str, Any]) -> dict[str, Any]:
    """Name values as the API does; what people wrote keeps its own names."""
    return {
        _UNDERSCORE.sub(lambda found: found[1].upper(), name): (
            [_named(one) for one in value] if name == "postings" else value
        )
        for name, value in row.items()
    }


def _plain(value: Any) -> str:
    return rfc3339(value) if isinstance(value, datetime) else str(value)
