"""Print a report over a client's books."""

from __future__ import annotations

import json
import sys
from datetime import UTC, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser

from ledger.periods.reporting import POSTING, REPORTS, VALUE, Asked, Report, Table
from wallet_project.kit import clock, database
from wallet_project.kit.errors import DomainError
from wallet_project.kit.reading_command import ReadingCommand
from wallets.management.naming import client_named, day_of

_DAYS = 31


class Command(ReadingCommand):
    """Exit 0: printed. Exit 2: printed, and it does not add up: assets are not what is owed, or
    customers have more than there is. Exit 1: it could not."""

    help = (
        "Balance sheet, safeguarding, movements by channel and fees of a client, by time of "
        "posting (days of its time zone) or by value date. Reads sums only; changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("report", choices=sorted(REPORTS))
        parser.add_argument("--client", required=True, help="whose, by its name")
        parser.add_argument("--from", dest="since", help="first day; default: 31 days in all")
        parser.add_argument("--to", dest="until", help="last day, included; default: today")
        parser.add_argument("--by", choices=(POSTING, VALUE), default=POSTING)
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="print JSON")
        form.add_argument("--csv", action="store_true", help="print CSV")

    def handle(self, *args: Any, **options: Any) -> None:
        until = day_of(options["until"]) or clock.now().astimezone(UTC).date()
        since = day_of(options["since"]) or until - timedelta(days=_DAYS - 1)
        asked = Asked(client_named(options["client"]), since, until, options["by"])
        report = REPORTS[options["report"]]
        try:
            with database.long_statements():
                table = report.make(asked)
        except DomainError as error:
            raise CommandError(error.detail) from error
        if options["json"]:
            self.stdout.write(json.dumps(_told(report, asked, table, options["client"]), indent=2))
        elif options["csv"]:
            table.write_csv(self.stdout)
        else:
            self._print(table)
        if not table.is_current:
            self.stderr.write("The newest movements are missing: run snapshot_balances.")
        if not table.is_sound:
            self.stderr.write("It does not add up: run verify_ledger.")
            sys.exit(2)

    def _print(self, table: Table) -> None:
        head = [column.title for column in table.columns]
        lines = [head, *(table.written(row) for row in (*table.rows, *table.totals))]
        widths = [max(map(len, texts)) for texts in zip(*lines, strict=True)]
        for line in lines:
            cells = (
                text.rjust(width) if column.is_right else text.ljust(width)
                for column, text, width in zip(table.columns, line, widths, strict=True)
            )
            self.stdout.write("  ".join(cells).rstrip())


def _told(report: Report, asked: Asked, table: Table, client: str) -> dict[str, Any]:
    days = {"from": asked.since.isoformat()} if report.is_daily else {}
    return {
        "report": report.name,
        "client": client,
        **days,
        "to": asked.until.isoformat(),
        "by": asked.basis,
        "zone": table.zone or None,
        "isCurrent": table.is_current,
        "isSound": table.is_sound,
        "rows": table.as_objects(),
    }
