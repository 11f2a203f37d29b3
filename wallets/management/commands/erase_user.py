"""Erase a user's personal data."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from wallet_project.kit import database, stopping
from wallets.management import people
from wallets.operations.erase_user import ROWS_A_BATCH, Erasure, count_texts, erase_user


class Command(BaseCommand):
    """Exit 0: nothing is left of the user. Exit 2: something waits for open payouts or operations;
    run it again later. Exit 1: it could not, or was stopped."""

    help = (
        "Erase a user's personal data: texts and notes in the books, on wallets, holds, operations "
        "and payouts, the payees of payouts, contacts and notifications. Amounts, times and ids "
        "stay, and seals stay valid. Safe twice; the same command goes on after a stop or a kill. "
        "SIGTERM finishes the batch in hand."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        people.add_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help="count, erase nothing")
        parser.add_argument(
            "--batch-size", type=int, default=ROWS_A_BATCH, help="rows a transaction"
        )
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = stopping.on_signal()
        order, wallets = people.order_of(options, "erase_user")
        if not wallets:
            self.stderr.write(people.explain_nobody(order))
        size = max(options["batch_size"], 1)
        with database.as_user(settings.DATABASE_ERASER), database.long_statements():
            steps = (
                count_texts(wallets=wallets, batch_size=size)
                if options["dry_run"]
                else erase_user(wallets=wallets, order=order, batch_size=size, enough=stop.is_set)
            )
            done = []
            for erasure in steps:
                done.append(erasure)
                self.stderr.write(f"{len(done)} of {len(wallets)} wallets, {_told(erasure)}")
        self._report(done, len(wallets), options)

    def _report(self, done: list[Erasure], wallets: int, options: dict[str, Any]) -> None:
        erased = sum((one.erased for one in done), Counter[str]())
        left = {str(one.wallet): one.left_because for one in done if one.left_because}
        is_dry = options["dry_run"]
        if options["json"]:
            report = {
                "dryRun": is_dry,
                "wallets": wallets,
                "done": sum(one.is_done for one in done),
                "erased": dict(sorted(erased.items())),
                "left": left,
            }
            self.stdout.write(json.dumps(report, indent=2))
        else:
            for wallet, because in left.items():
                self.stdout.write(f"{wallet} is not wholly erased: {because}.")
            what = ", ".join(f"{number} {name}" for name, number in sorted(erased.items()))
            self.stdout.write(f"{'Would erase' if is_dry else 'Erased'}: {what or 'nothing'}.")
        if is_dry:
            return
        if len(done) < wallets or any(not one.is_done and not one.left_because for one in done):
            raise CommandError("Stopped before the end; the same command goes on.")
        if left:
            sys.exit(2)


def _told(erasure: Erasure) -> str:
    return ", ".join(
        f"{number} {name}" for name, number in sorted(erasure.erased.items()) if number
    )
