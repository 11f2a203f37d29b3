"""Close a client's month."""

from __future__ import annotations

import json
import sys
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ledger.periods import calendars, closing
from ledger.periods.errors import PeriodNotProven, PeriodNotSettled
from wallet_project.kit import stopping
from wallet_project.kit.audit import Actor
from wallet_project.kit.errors import DomainError
from wallets.management.naming import client_named

_ACTOR = Actor("command:close_period")
_TICK_SECONDS = 2.0


class Command(BaseCommand):
    """Exit 0: closed. Exit 2: the books of the month do not prove; it stays barred. Exit 1: not
    closed; if it was barred already, beat goes on with it, and so does this command."""

    help = (
        "Bar a month to value dates, wait until no movement is left that began before, and freeze "
        "what it came to: two to four minutes on MySQL. Safe twice and to stop: a month that is "
        "barred is closed by beat. Opening it again takes two people, in the back office."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("month", help="such as 2026-01")
        parser.add_argument("--client", required=True, help="whose, by its name")
        parser.add_argument("--reason", required=True, help="kept in the audit log")
        parser.add_argument("--no-wait", action="store_true", help="leave the rest to beat")
        parser.add_argument("--dry-run", action="store_true", help="tell what would be refused")
        parser.add_argument(
            "--give-up", action="store_true", help="let value dates in again, if it is not closed"
        )
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        client, month = client_named(options["client"]), _month(options["month"])
        try:
            if options["dry_run"]:
                closing.check(client=client, month=month)
                self._tell({"month": f"{month:%Y-%m}", "closed": False}, options)
            elif options["give_up"]:
                closing.give_up(client=client, by=_ACTOR, reason=options["reason"])
                self._tell({"month": f"{month:%Y-%m}", "closed": False}, options)
            else:
                self._close(client, month, options)
        except PeriodNotProven as error:
            self.stderr.write(error.detail)
            sys.exit(2)
        except DomainError as error:
            raise CommandError(error.detail) from error

    def _close(self, client: int, month: date, options: dict[str, Any]) -> None:
        stop = stopping.on_signal()
        closing.begin(client=client, month=month, by=_ACTOR, reason=options["reason"])
        told = {"month": f"{month:%Y-%m}"}
        self.stderr.write(f"value dates up to {calendars.end_of(month)} are refused from now on")
        if options["no_wait"]:
            self._tell(told | {"closed": False}, options)
            return
        said = ""
        while not stop.is_set():
            try:
                close = closing.finish(client, enough=stop.is_set)
            except PeriodNotSettled as error:
                if error.detail != said:
                    self.stderr.write(error.detail)
                said = error.detail
                stop.wait(_TICK_SECONDS)
                continue
            numbers = {"closed": True, "version": close.version, "postings": close.postings}
            self._tell(told | numbers | {"hash": bytes(close.figures_hash).hex()}, options)
            return
        raise CommandError("Stopped; the month is barred, and beat goes on closing it.")

    def _tell(self, numbers: dict[str, Any], options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(numbers))
        else:
            self.stdout.write(", ".join(f"{what} {number}" for what, number in numbers.items()))


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise CommandError(f"{text!r} is no month, such as 2026-01.") from None
