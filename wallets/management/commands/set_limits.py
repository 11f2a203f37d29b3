"""Set what may leave a wallet, or any wallet of a client."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from wallet_project.kit.audit import Actor
from wallet_project.kit.errors import DomainError
from wallet_project.kit.money import parse_amount
from wallets.management.naming import client_named, wallet_named
from wallets.operations.set_limits import set_limits
from wallets.safeguards.limits import Bounds

ACTOR = "command:set_limits"


class Command(BaseCommand):
    """Exit 0: they are so now. Exit 1: something named does not exist, or is no amount."""

    help = (
        "Set the limits of a wallet, or with --client alone the default of a client's wallets of "
        "a currency. What is not named has no limit afterwards. Noted in the audit log."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("wallet", nargs="?", help="its UUID, or with --client its reference")
        parser.add_argument("--client", help="the client's name")
        parser.add_argument("--currency", help="of the default; DEFAULT_CURRENCY if not named")
        parser.add_argument("--per-operation", help="the most one movement may take out")
        parser.add_argument("--per-day", help="the most that may leave in a day (UTC)")
        parser.add_argument("--per-month", help="the most that may leave in a month (UTC)")
        parser.add_argument("--count-per-day", type=int, help="how often anything may leave a day")
        parser.add_argument("--reason", required=True, help="why; it is kept")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        reason = options["reason"].strip()
        if not reason:
            raise CommandError("Say why by --reason; it is kept.")
        client, wallet, currency = self._whose(options)
        try:
            bounds = Bounds(
                _minor(options["per_operation"], currency),
                _minor(options["per_day"], currency),
                _minor(options["per_month"], currency),
                options["count_per_day"],
            )
            former = set_limits(
                client=client,
                wallet=wallet,
                currency=currency,
                bounds=bounds,
                by=Actor(ACTOR),
                reason=reason,
            )
        except DomainError as error:
            raise CommandError(error.detail) from error
        if options["json"]:
            told = {"before": asdict(former), "after": asdict(bounds), "currency": currency}
            self.stdout.write(json.dumps(told))
        else:
            self.stdout.write(f"The limits of {wallet or options['client']} are set.")

    def _whose(self, options: dict[str, Any]) -> tuple[int, Any, str]:
        if options["wallet"]:
            wallet = wallet_named(options["wallet"], options["client"])
            return wallet.client, wallet.id, wallet.currency
        if not options["client"]:
            raise CommandError("Name a wallet, or a client by --client.")
        currency = options["currency"] or settings.DEFAULT_CURRENCY
        return client_named(options["client"]), None, currency


def _minor(text: str | None, currency: str) -> int | None:
    return None if text is None else parse_amount(text, currency)
