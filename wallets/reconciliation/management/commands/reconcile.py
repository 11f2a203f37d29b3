"""Reconcile a channel from a shell."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wallet_project.kit import clock, stopping
from wallet_project.kit.audit import Actor
from wallet_project.kit.errors import DomainError
from wallet_project.kit.money import format_minor
from wallets.management.naming import client_named
from wallets.reconciliation import queries
from wallets.reconciliation.models import RuleName
from wallets.reconciliation.operations.reconcile import (
    MATCHES_A_TRANSACTION,
    Channel,
    FileGiven,
    RunResult,
    preview,
    reconcile,
)
from wallets.reconciliation.queries import Aged

ACTOR = Actor("command:reconcile")


class Command(BaseCommand):
    """Exit 0: everything has its counterpart. Exit 2: something is left over. Exit 1: it could
    not be done; of the file nothing was loaded."""

    help = (
        "Load a file of a bank or payment provider, if one is given, and match its lines with the "
        "books by the channel's rules. How the file is read is set up in the admin. Safe to run "
        "twice: a file is loaded once, a line is credited once. SIGTERM finishes the matches in "
        "hand; run it again without --file to go on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--client", required=True, help="the client's name")
        parser.add_argument("--channel", required=True, help="the payment rail, such as bank")
        parser.add_argument("--file", type=Path, help="the file to load first; none: only match")
        parser.add_argument("--dry-run", action="store_true", help="store nothing")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")
        parser.add_argument(
            "--batch-size",
            type=int,
            default=MATCHES_A_TRANSACTION,
            help="matches stored by one transaction",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        channel = Channel(client_named(options["client"]), options["client"], options["channel"])
        file = _file(options["file"])
        stop = stopping.on_signal()
        try:
            if options["dry_run"]:
                done = preview(channel=channel, file=file)
            else:
                done = reconcile(
                    channel=channel,
                    by=ACTOR,
                    file=file,
                    batch_size=max(options["batch_size"], 1),
                    progress=self.stderr.write,
                    enough=stop.is_set,
                )
        except DomainError as error:
            raise CommandError(error.detail) from error
        aged = queries.suspense_ages(clock.now().date(), client=channel.client)
        self._report(done, aged, as_json=options["json"])
        if done.was_stopped:
            raise CommandError("It was stopped; run it again without --file to go on.")
        if done.leftovers:
            sys.exit(2)

    def _report(self, done: RunResult, aged: Sequence[Aged], *, as_json: bool) -> None:
        if as_json:
            suspense = [_aged_as_dict(one) for one in aged]
            self.stdout.write(json.dumps(_as_dict(done) | {"suspense": suspense}, indent=2))
            return
        if done.loaded is not None:
            self.stdout.write(f"{done.loaded.lines} lines, {done.loaded.repeats} known before.")
        for rule, by_currency in done.result["matched"].items():
            for currency, one in by_currency.items():
                amount = format_minor(int(one["amount"]), currency)
                self.stdout.write(
                    f"{RuleName(rule).label}: {one['matches']} matches of {one['lines']} lines "
                    f"and {one['postings']} postings, {amount} {currency}."
                )
        for currency, one in done.result["left"].items():
            difference = format_minor(int(one["difference"]), currency)
            self.stdout.write(
                f"Left in {currency}: {one['lines']} lines and {one['postings']} postings; bank "
                f"less books {difference}."
            )
        self.stdout.write(f"{len(done.result['doubts'])} doubts are left to people.")
        for one in aged:
            self.stdout.write(
                f"On suspense for {one.age}, {one.owner or 'nobody'}: {one.items} items, "
                f"{format_minor(one.amount, one.currency)} {one.currency}."
            )


def _file(path: Path | None) -> FileGiven | None:
    if path is None:
        return None
    try:
        return FileGiven(path.name, path.read_bytes())
    except OSError as error:
        raise CommandError(f"The file cannot be read: {error}.") from error


def _aged_as_dict(one: Aged) -> dict[str, Any]:
    return {
        "age": one.age,
        "owner": one.owner,
        "currency": one.currency,
        "items": one.items,
        "amount": str(one.amount),
        "oldest": one.oldest.isoformat(),
    }


def _as_dict(done: RunResult) -> dict[str, Any]:
    loaded = done.loaded
    return {
        "run": None if done.run is None else str(done.run),
        "lines": None if loaded is None else loaded.lines,
        "repeats": None if loaded is None else loaded.repeats,
        "leftovers": done.leftovers,
        "stopped": done.was_stopped,
        **done.result,
    }
