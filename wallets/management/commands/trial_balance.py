"""Print the trial balance."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError, CommandParser

from wallet_project.kit import database
from wallet_project.kit.clock import rfc3339
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import DomainError
from wallet_project.kit.money import format_minor
from wallet_project.kit.reading_command import ReadingCommand
from wallets.management.naming import client_named, day_of, moment_of
from wallets.models import Client
from wallets.trial_balance import TrialBalanceView, trial_balance, trial_balance_by_value

_COLUMNS = ("client", "currency", "account", "debit", "credit")


class Command(ReadingCommand):
    """Exit 0: debit and credit are equal. Exit 2: they are not. Exit 1: it could not look."""

    help = (
        "Sum the books of every client, or of one, from the postings: each house account by "
        "itself, customers together, now or at a moment. Changes nothing; money may move meanwhile."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--client", help="only this client's, by its name")
        parser.add_argument("--at", help="up to and at this day or moment; default: now")
        parser.add_argument("--value-date", help="up to and with this value date, in place of --at")
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="print JSON")
        form.add_argument("--csv", action="store_true", help="print CSV, a line an account")

    def handle(self, *args: Any, **options: Any) -> None:
        moment, day = moment_of(options["at"]), day_of(options["value_date"])
        if moment is not None and day is not None:
            raise CommandError("Choose one: --at or --value-date.")
        if options["client"] is not None:
            clients = {options["client"]: client_named(options["client"])}
        else:
            rows = Client.objects.using(PRIMARY).order_by("name")
            clients = dict(rows.values_list("name", "pk"))
        try:
            with database.long_statements():
                if day is not None:
                    books = {name: trial_balance_by_value(pk, day) for name, pk in clients.items()}
                else:
                    books = {name: trial_balance(pk, moment) for name, pk in clients.items()}
        except DomainError as error:
            raise CommandError(error.detail) from error
        if options["json"]:
            told = [_as_dict(name, view) for name, view in books.items()]
            self.stdout.write(json.dumps(told, indent=2))
        elif options["csv"]:
            writer = csv.writer(self.stdout, lineterminator="\n")
            writer.writerow(_COLUMNS)
            writer.writerows(line for name, view in books.items() for line in _lines(name, view))
        else:
            self._print(books)
        if any(side.debit != side.credit for view in books.values() for side in view.currencies):
            sys.exit(2)

    def _print(self, books: dict[str, TrialBalanceView]) -> None:
        for name, view in books.items():
            self.stdout.write(f"{name}, {rfc3339(view.as_of)}")
            for _, currency, code, debit, credit in _lines(name, view):
                self.stdout.write(f"  {code:60} {currency} {debit:>24} {credit:>24}")
            for side in view.currencies:
                totals = [format_minor(n, side.currency) for n in (side.debit, side.credit)]
                difference = format_minor(side.debit - side.credit, side.currency)
                self.stdout.write(
                    f"  {'total':60} {side.currency} {totals[0]:>24} {totals[1]:>24}"
                    f"  difference {difference}"
                )


def _lines(client: str, view: TrialBalanceView) -> Iterator[tuple[str, ...]]:
    for account in view.accounts:
        sides = (max(-account.balance, 0), max(account.balance, 0))
        written = (format_minor(side, account.currency) if side else "" for side in sides)
        yield client, account.currency, account.code, *written


def _as_dict(client: str, view: TrialBalanceView) -> dict[str, Any]:
    return {
        "client": client,
        "asOf": rfc3339(view.as_of),
        "currencies": [
            {
                "currency": side.currency,
                "debit": format_minor(side.debit, side.currency),
                "credit": format_minor(side.credit, side.currency),
                "difference": format_minor(side.debit - side.credit, side.currency),
            }
            for side in view.currencies
        ],
        "accounts": [
            {
                "account": account.code,
                "currency": account.currency,
                "balance": format_minor(account.balance, account.currency),
            }
            for account in view.accounts
        ],
    }
