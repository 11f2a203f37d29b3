from __future__ import annotations

import json
import threading
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from events import archive
from wallet_project.kit import database, stopping
from wallet_project.kit.errors import DomainError


class Command(BaseCommand):
    """Exit 0: done, or nothing to do. Exit 1: not done. May run beside beat and beside itself."""

    help = (
        "Move rows past their keeping time from the database to files of compressed JSON lines, "
        "as beat does. SIGTERM finishes the batch in hand; what is left waits for the next run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME", help="which tables; default: all")
        parser.add_argument("--before", help="older than this day or moment (default: retention)")
        parser.add_argument("--dry-run", action="store_true", help="count, move nothing")
        parser.add_argument("--batch-size", type=int, default=archive.BATCH, help="rows a file")
        parser.add_argument("--json", action="store_true", help="print the numbers as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        names = options["names"] or sorted(archive.ARCHIVES)
        unknown = [name for name in names if name not in archive.ARCHIVES]
        if unknown:
            raise CommandError(f"There is no {unknown[0]}; known: {', '.join(archive.ARCHIVES)}.")
        stop = stopping.on_signal()
        before = None if options["before"] is None else _moment(options["before"])
        try:
            with database.as_user(settings.DATABASE_REAPER):
                report = {name: self._one(name, before, stop, options) for name in names}
        except DomainError as error:
            raise CommandError(error.detail) from error
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        for name, numbers in report.items():
            told = ", ".join(f"{number} {what}" for what, number in numbers.items())
            self.stdout.write(f"{name}: {told}")

    def _one(
        self, name: str, before: datetime | None, stop: threading.Event, options: dict[str, Any]
    ) -> dict[str, int]:
        one = archive.ARCHIVES[name]
        cutoff = archive.cutoff(one, before=before)
        if cutoff is None:
            self.stderr.write(f"{name}: kept for ever ({one.retention})")
            return {"rows": 0, "files": 0}
        if options["dry_run"]:
            return {"due": archive.count_due(one, before=cutoff)}
        moved = archive.move(
            one,
            before=cutoff,
            batch_size=max(options["batch_size"], 1),
            enough=stop.is_set,
            say=self.stderr.write,
        )
        return {"rows": moved.rows, "files": moved.files}


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text!r} is no day or moment, such as 2026-01-31.") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
