"""`manage.py seed_demo`: a made-up year, for people who want to look around."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import DomainError
from wallets import queries
from wallets.management.demo.story import Story
from wallets.management.demo.telling import Teller, Told
from wallets.models import Wallet
from wallets.operations import group_commit
from wallets.operations.create_client import create_client

_DAYS_MAX: Final = 3_650
_WALLETS_MAX: Final = 10_000


class Command(BaseCommand):
    """Exit 0: told to the end. Exit 1: refused, or stopped on the way."""

    help = (
        "Fill the service with a made-up history of a new client: deposits, transfers, holds, "
        "refunds, payouts, refusals, what looks like fraud. Money moves as it always does; only "
        "the times lie in the past."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the command line."""
        parser.add_argument("--days", type=int, default=365, help="how far back it begins")
        parser.add_argument("--wallets", type=int, default=200)
        parser.add_argument("--seed", type=int, default=1, help="the same number, the same story")
        parser.add_argument("--client", default="sample", help="the name of the client to be made")
        parser.add_argument(
            "--this-is-no-production",
            action="store_true",
            help="needed where wallets of anybody are kept already",
        )
        parser.add_argument("--json", action="store_true", help="print what was made as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the client and tell its story.

        :raises CommandError: where it may not, and where the story has been told before.
        """
        self._check(options)
        started = time.monotonic()
        try:
            client = create_client(name=options["client"], plan="unlimited").client
        except DomainError as error:
            raise CommandError(
                f"{error.detail} A story is told once; name another client by --client."
            ) from error
        story = Story(
            seed=options["seed"],
            days=options["days"],
            wallets=options["wallets"],
            ends_at=queries.primary_clock() - timedelta(minutes=5),
        )
        try:
            told = Teller(client, story, self.stderr.write).tell()
        finally:
            group_commit.stop()
        self.stderr.write(f"Told in {time.monotonic() - started:.0f} s.")
        self._print(options["client"], told, as_json=options["json"])

    def _check(self, options: dict[str, Any]) -> None:
        if not 1 <= options["days"] <= _DAYS_MAX:
            raise CommandError(f"--days is a number from 1 to {_DAYS_MAX}.")
        if not 8 <= options["wallets"] <= _WALLETS_MAX:
            raise CommandError(f"--wallets is a number from 8 to {_WALLETS_MAX}.")
        if Wallet.objects.using(PRIMARY).exists() and not options["this_is_no_production"]:
            raise CommandError(
                "There are wallets already, and what is posted cannot be taken out again. If this "
                "is no production, say so: --this-is-no-production"
            )

    def _print(self, client: str, told: Told, *, as_json: bool) -> None:
        facts = {
            "client": client,
            "wallets": told.wallets,
            "movements": dict(told.done),
            "refusals": dict(told.refused),
            "payouts": dict(told.payouts),
            "frozen": told.frozen,
        }
        if as_json:
            self.stdout.write(json.dumps(facts, indent=2))
            return
        self.stdout.write(
            f"Client {client}: {told.wallets} wallets, {told.done.total()} movements, "
            f"{told.refused.total()} refusals, {told.payouts.total()} payouts, one frozen wallet. "
            "Consumers raise the alerts when they have read the events."
        )
