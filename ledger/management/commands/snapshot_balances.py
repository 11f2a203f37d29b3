"""Bring the sums over the books up to date, or prove them, or make them anew."""

from __future__ import annotations

import json
import sys
import threading
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ledger import checking, queries, rolling, settled, snapshots
from ledger.periods import adding
from wallet_project.kit import database, stopping


class Command(BaseCommand):
    """Exit 0: done. Exit 2: late postings or differences were found. Exit 1: not done."""

    help = (
        "Add settled postings to balances of house accounts, totals of days and customers' money, "
        "as beat does every ten seconds, and make snapshots of customers' balances. May run while "
        "money moves, beside beat and twice; a run that was killed goes on where it was."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch-size", type=int, default=rolling.BATCH, help="postings a step")
        parser.add_argument("--dry-run", action="store_true", help="count what is due only")
        parser.add_argument(
            "--rebuild",
            action="store_true",
            help="remove all sums and make them anew; with --dry-run: make them in memory and "
            "compare, which changes nothing",
        )
        parser.add_argument(
            "--wait",
            action="store_true",
            help="wait until everything that is in the books now is settled: a minute",
        )
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--account", help="a snapshot of this customer's account: id or code")
        which.add_argument(
            "--client", type=int, help="snapshots of all accounts of this client's customers"
        )
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = stopping.on_signal()
        size = max(options["batch_size"], 1)
        accounts = _account(options["account"])
        with database.long_statements():
            if options["rebuild"] and options["dry_run"]:
                self._check(size, stop, options)
                return
            if options["wait"] and not options["dry_run"]:
                self._wait(stop)
            if options["dry_run"]:
                self._tell({"upto": rolling.mark().upto, "due": rolling.due()}, options)
                return
            if options["rebuild"]:
                rolling.forget_sums()
                adding.forget_sums()
                self.stderr.write("all sums are removed; making them anew")
            done = rolling.roll_up(batch_size=size, enough=stop.is_set, say=self.stderr.write)
            adding.add(batch_size=size, enough=stop.is_set, say=self.stderr.write)
            made = done.snapshots
            if accounts or options["client"] is not None:
                made += snapshots.make(
                    accounts=accounts,
                    client=options["client"],
                    batch_size=min(size, snapshots.ACCOUNTS_A_TRANSACTION),
                    enough=stop.is_set,
                    say=self.stderr.write,
                )
        numbers = {"upto": done.upto, "postings": done.postings, "snapshots": made}
        self._tell(numbers | {"late": done.late}, options)
        if done.late:
            self.stderr.write("Postings came in late: see --rebuild --dry-run.")
            sys.exit(2)

    def _wait(self, stop: threading.Event) -> None:
        """Wait until the books are settled up to their end of now."""
        end = settled.end_of_books()
        self.stderr.write(f"waiting until posting {end} is settled")
        while settled.settled_upto() < end and not stop.is_set():
            stop.wait(1)

    def _check(self, size: int, stop: threading.Event, options: dict[str, Any]) -> None:
        found = checking.check(batch_size=size, enough=stop.is_set, say=self.stderr.write)
        if not found.is_complete:
            raise CommandError("Stopped before the end; nothing was compared.")
        told: dict[str, Any] = {"upto": found.upto, "postings": found.postings}
        lines = [
            {"subject": one.subject, "kept": one.kept, "found": one.found}
            for one in found.differences
        ]
        if not options["json"]:
            for one in found.differences:
                self.stdout.write(f"{one.subject}: kept {one.kept}, found {one.found}")
        self._tell(told | {"differences": lines if options["json"] else len(lines)}, options)
        if lines:
            sys.exit(2)

    def _tell(self, numbers: dict[str, Any], options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(numbers))
        else:
            self.stdout.write(", ".join(f"{what} {number}" for what, number in numbers.items()))


def _account(text: str | None) -> list[UUID]:
    if text is None:
        return []
    try:
        return [UUID(text)]
    except ValueError:
        found = queries.account_id(text)
    if found is None:
        raise CommandError(f"There is no account {text}.")
    return [found]
