"""End holds whose time has passed."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from wallets.operations.expire_holds import WALLETS_A_TRANSACTION, count_expired, expire_holds


class Command(BaseCommand):
    """What beat does every few seconds, by hand."""

    help = (
        "End the holds that have expired, in small transactions. They stopped counting at their "
        "moment anyhow; this tells the events. Safe to run twice and beside others."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--batch-size",
            type=int,
            default=WALLETS_A_TRANSACTION,
            help="wallets locked by one transaction",
        )
        parser.add_argument("--dry-run", action="store_true", help="only count them")
        parser.add_argument("--json", action="store_true", help="print the number as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            self._tell("expired", count_expired(), "{} holds have expired.", options)
            return
        ended = expire_holds(
            batch_size=max(options["batch_size"], 1),
            progress=lambda count: self.stderr.write(f"{count} holds ended"),
        )
        self._tell("ended", ended, "{} holds have been ended.", options)

    def _tell(self, what: str, count: int, sentence: str, options: dict[str, Any]) -> None:
        as_json = options["json"]
        self.stdout.write(json.dumps({what: count}) if as_json else sentence.format(count))
