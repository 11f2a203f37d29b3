from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from ledger import exporting, sealing
from wallet_project.kit import database, stopping
from wallet_project.kit.reading_command import ReadingCommand


class Command(ReadingCommand):
    """Exit 0: written. Exit 1: not written, or not wholly; then there is no manifest."""

    help = (
        "Write the sealed ledger to a folder, for `ledger/offline_verifier.py`: accounts, entries "
        "and postings as compressed JSON lines, without personal text. Safe twice; after SIGTERM "
        "or a kill, begin again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", type=Path, required=True, metavar="DIR")
        parser.add_argument(
            "--since-seal", type=int, default=0, metavar="N", help="only what was sealed after N"
        )
        parser.add_argument(
            "--batch-size",
            type=int,
            default=exporting.POSTINGS_A_FILE,
            help="postings a file; a seal is never split",
        )
        parser.add_argument("--dry-run", action="store_true", help="count, write nothing")
        parser.add_argument("--json", action="store_true", help="print the numbers as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        since = options["since_seal"]
        if options["dry_run"]:
            heads = list(sealing.heads(after_number=since))
            numbers = {"seals": len(heads), "postings": sum(head["postings"] for head in heads)}
        else:
            numbers = self._export(since, options)
        self.stdout.write(
            json.dumps(numbers)
            if options["json"]
            else ", ".join(f"{number} {what}" for what, number in numbers.items()) + "."
        )

    def _export(self, since: int, options: dict[str, Any]) -> dict[str, int]:
        stop = stopping.on_signal()
        try:
            with database.long_statements():
                done = exporting.export(
                    options["out"],
                    since_seal=since,
                    postings_a_file=max(options["batch_size"], 1),
                    enough=stop.is_set,
                    progress=self.stderr.write,
                )
        except exporting.ExportStopped as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"The export cannot be written: {error}") from error
        return {
            "seals": done.seals,
            "postings": done.postings,
            "accounts": done.accounts,
            "files": len(done.files),
        }
