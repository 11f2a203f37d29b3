"""Seal the books, and hand out the heads of seals."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ledger import rollups, sealing
from ledger.sealed_rows import POSTINGS_READ
from wallet_project.kit import stopping
from wallets import seal_heads


class Command(BaseCommand):
    """Exit 0: sealed, or nothing to seal. Exit 1: not done. Exit 2: sealed, and somebody has to
    look: postings came late, or sealed ones are not there any more."""

    help = (
        "Seal all settled postings, as beat does every minute: a hash over each, chained over the "
        "seal before. Safe twice and beside others; SIGTERM finishes the seal in hand."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count, seal nothing")
        parser.add_argument(
            "--batch-size", type=int, default=POSTINGS_READ, help="postings a seal, at most"
        )
        parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
        parser.add_argument(
            "--heads", action="store_true", help="seal nothing, print the heads as JSON lines"
        )
        parser.add_argument(
            "--since-seal", type=int, default=0, metavar="N", help="only heads after this seal"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["heads"]:
            for head in sealing.heads(after_number=options["since_seal"]):
                self.stdout.write(json.dumps(head))
            return
        upto = rollups.settled_upto()
        if options["dry_run"]:
            waiting = sealing.unsealed(upto=upto)
            self.stdout.write(
                json.dumps({"postings": waiting})
                if options["json"]
                else f"{waiting} settled postings wait to be sealed."
            )
            return
        stop = stopping.on_signal()
        outcome = sealing.seal(
            upto=upto,
            tell=seal_heads.tell,
            size=max(options["batch_size"], 1),
            enough=stop.is_set,
            progress=self.stderr.write,
        )
        self._report(outcome, as_json=options["json"])
        if outcome.is_alarming:
            sys.exit(2)

    def _report(self, outcome: sealing.Outcome, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(asdict(outcome)))
            return
        self.stdout.write(f"{outcome.seals} seals of {outcome.postings} postings.")
        if outcome.late:
            named = ", ".join(map(str, outcome.late[:20]))
            self.stdout.write(f"{len(outcome.late)} postings came late: {named}")
        for number in outcome.broken:
            self.stdout.write(f"Seal {number} does not fit its postings: run verify_ledger --deep.")
