"""Make the files of exports."""

from __future__ import annotations

import time
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandParser

from wallet_project.kit import stopping
from wallet_project.kit.turns import take_turns
from wallets.exports import worker

IDLE_SECONDS: Final = 1.0


class Command(BaseCommand):
    """Any number may run, and die: what one leaves another finds."""

    help = (
        "Work on exports until SIGTERM or SIGINT, beside or in place of the Celery workers. "
        "EXPORTS_AT_ONCE bounds how many are worked on at the same time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="what waits now, then end")
        parser.add_argument(
            "--slice-seconds", type=int, default=20, help="then another export has its turn"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = stopping.on_signal()

        def turn() -> int:
            end = time.monotonic() + options["slice_seconds"]
            return worker.run(
                enough=lambda: stop.is_set() or time.monotonic() > end, stop=stop.is_set
            )

        self.stderr.write("exports: started")
        if options["once"]:
            while turn():
                pass
        else:
            take_turns(turn, name="exports", idle_seconds=IDLE_SECONDS, stop=stop)
        self.stderr.write("exports: stopped")
