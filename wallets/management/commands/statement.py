"""Print a wallet's statement."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError, CommandParser

from ledger.account_lines import AccountLine, OtherSide
from wallet_project.kit.clock import rfc3339
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.money import format_minor
from wallet_project.kit.reading_command import ReadingCommand
from wallets import statements
from wallets.management.naming import moment_of, wallet_named
from wallets.models import Wallet
from wallets.statements import Asked, File

_COLUMNS = ("time", "transaction", "type", "reference", "other", "amount", "balance")


class Command(ReadingCommand):
    """Exit 0: printed. Exit 1: it could not."""

    help = (
        "What moved in a wallet: the balance before, each movement with the balance after it, and "
        "the balance at the end. Read a piece at a time, so it may be as long as it likes."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("wallet", help="its UUID, or with --client its reference")
        parser.add_argument("--client", help="whose wallet it is, by the client's name")
        parser.add_argument("--from", dest="since", help="from this day or moment on")
        parser.add_argument("--to", dest="until", help="before this day or moment")
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="print JSON, an object a line")
        form.add_argument("--csv", action="store_true", help="print CSV")

    def handle(self, *args: Any, **options: Any) -> None:
        named = wallet_named(options["wallet"], options["client"])
        asked = Asked(moment_of(options["since"]), moment_of(options["until"]))
        if asked.since and asked.before and asked.since >= asked.before:
            raise CommandError("--from must lie before --to.")
        wallet = Wallet.objects.using(PRIMARY).get(pk=named.id)
        file = statements.file(wallet, asked)
        if options["json"]:
            self._print_json(wallet, file)
        elif options["csv"]:
            self._print_csv(wallet, file)
        else:
            self._print(wallet, file)

    def _print(self, wallet: Wallet, file: File) -> None:
        self.stdout.write(f"wallet {wallet.pk}, {wallet.currency}")
        self.stdout.write(f"{'opening balance':79} {_money(file.span.opening, wallet):>24}")
        for line in _lines(wallet, file):
            self.stdout.write(
                f"{line['time']} {line['type']:14} {line['reference'][:20]:20} "
                f"{line['amount']:>15} {line['balance']:>24}"
            )
        self.stdout.write(f"{'closing balance':79} {_money(file.span.closing, wallet):>24}")

    def _print_json(self, wallet: Wallet, file: File) -> None:
        head = {
            "wallet": str(wallet.pk),
            "currency": wallet.currency,
            "openingBalance": _money(file.span.opening, wallet),
            "closingBalance": _money(file.span.closing, wallet),
            "movements": file.span.postings,
        }
        self.stdout.write(json.dumps(head))
        for line in _lines(wallet, file):
            self.stdout.write(json.dumps(line))

    def _print_csv(self, wallet: Wallet, file: File) -> None:
        writer = csv.DictWriter(self.stdout, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerow({"type": "OPENING", "balance": _money(file.span.opening, wallet)})
        for line in _lines(wallet, file):
            writer.writerow(line | {"reference": _plain(line["reference"])})
        writer.writerow({"type": "CLOSING", "balance": _money(file.span.closing, wallet)})


def _lines(wallet: Wallet, file: File) -> Iterator[dict[str, str]]:
    for lines, others in file.pieces:
        for line in lines:
            yield _told(line, others.get(line.entry, ()), wallet)


def _told(line: AccountLine, others: tuple[OtherSide, ...], wallet: Wallet) -> dict[str, str]:
    return {
        "time": rfc3339(line.posted_at),
        "transaction": str(line.entry),
        "type": statements.type_of(line),
        "reference": line.reference,
        "other": " ".join(other.code for other in others),
        "amount": _money(line.amount, wallet),
        "balance": _money(line.balance_after, wallet),
    }


def _money(minor: int, wallet: Wallet) -> str:
    return format_minor(minor, wallet.currency)


def _plain(text: str) -> str:
    """Keep a spreadsheet from taking a caller's text for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
