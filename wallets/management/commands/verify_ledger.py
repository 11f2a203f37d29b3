"""Prove the ledger."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from events.errors import BrokerUnavailable
from ledger import proofs
from ledger.offline_verifier import CannotLook, read_heads
from wallet_project.kit import database
from wallets import verification


class Command(BaseCommand):
    """Exit 0: everything holds. Exit 2: differences were found. Exit 1: it could not look."""

    help = (
        "Check that wallets, books, events and seals agree and that the database still guards them "
        "(invariants I1 to I10, I17, I18). May run while money moves, and be killed; changes "
        "nothing, but keeps that it ran and what came out."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since",
            metavar="POSITION",
            help="only what postings after this id have touched; auto: after the last sound proof",
        )
        parser.add_argument(
            "--deep", action="store_true", help="all seals; else those since the last sound proof"
        )
        parser.add_argument(
            "--heads", type=Path, metavar="FILE", help="heads of seals that were kept elsewhere"
        )
        parser.add_argument(
            "--topic",
            action="store_true",
            help="also read the topic of facts, all of it, and hold it against the outbox (I7)",
        )
        parser.add_argument("--batch-size", type=int, default=500, help="rows read at a time")
        parser.add_argument("--dry-run", action="store_true", help="do not keep that it ran")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        proven = proofs.sound_upto()
        since = _position(options["since"], proven)
        try:
            kept = {} if options["heads"] is None else read_heads(options["heads"])
        except CannotLook as error:
            raise CommandError(str(error)) from error
        try:
            with database.long_statements():
                report = verification.verify(
                    batch_size=max(options["batch_size"], 1),
                    since=since,
                    deep=options["deep"],
                    kept=kept.values(),
                    topic=options["topic"],
                    progress=lambda line: self.stderr.write(line),
                )
        except BrokerUnavailable as error:
            raise CommandError(f"The topic was not read: {error.detail}") from error
        if since is not None and (proven is None or since > proven):
            report.notes.append(
                f"what lies before posting {since + 1}: this proof is not kept as one"
            )
        elif not options["dry_run"]:
            proofs.note(
                proofs.FULL,
                upto=report.upto,
                findings=len(report.findings),
                seconds=round(time.monotonic() - started),
            )
        self._print(report, as_json=options["json"])
        if not report.is_sound:
            sys.exit(2)

    def _print(self, report: verification.Report, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(report.as_dict(), indent=2))
            return
        for note in report.notes:
            self.stderr.write(f"not looked at, {note}")
        for finding in report.findings:
            self.stdout.write(f"{finding.invariant} {finding.subject}: {finding.detail}")
        self.stdout.write(
            f"{report.wallets} wallets, {report.entries} journal entries, {report.seals} seals: "
            + ("sound." if report.is_sound else f"{len(report.findings)} findings.")
        )


def _position(text: str | None, proven: int | None) -> int | None:
    if text is None or text == "auto":
        return proven if text else None
    if not text.isdecimal():
        raise CommandError("--since must be the id of a posting, or auto.")
    return int(text)
