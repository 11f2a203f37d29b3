"""Take nothing new, and wait until what is under way has ended."""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import asdict
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wallet_project.kit import stopping
from wallet_project.kit.audit import Actor
from wallets import draining
from wallets.draining import UnderWay
from wallets.errors import WritesPaused
from wallets.operations.pause_writes import drain_writes

ACTOR: Final = "command:drain"
LOOK_SECONDS: Final = 0.5


class Command(BaseCommand):
    """Exit 0: the service is dry. Exit 1: it was not in time, or was told to stop."""

    help = (
        "Refuse new movements of money everywhere (503 writes_paused) and wait until requests have "
        "ended, accepted operations are made and events are told. Workers, consumers and a relay "
        "have to run. It stays so until `resume_writes`, also after a time-out."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", required=True, help="why; it is kept")
        parser.add_argument("--timeout", type=int, default=120, help="seconds, at most")
        parser.add_argument("--json", action="store_true", help="print the numbers as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        reason = options["reason"].strip()
        if not reason:
            raise CommandError("Say why by --reason; it is kept.")
        stop = stopping.on_signal()
        try:
            drain_writes(by=Actor(ACTOR), reason=reason)
        except WritesPaused as error:
            raise CommandError(
                "Money is stopped by pause_writes: accepted operations wait, too, and would never "
                "end. Let it go on first, by resume_writes."
            ) from error
        left = self._wait(stop, time.monotonic() + options["timeout"])
        if options["json"]:
            self.stdout.write(json.dumps({"dry": left.is_dry, **asdict(left)}))
        else:
            self.stdout.write("Dry." if left.is_dry else f"Not dry: {_told(left)}.")
        if not left.is_dry:
            sys.exit(1)

    def _wait(self, stop: threading.Event, deadline: float) -> UnderWay:
        said = ""
        while True:
            left = draining.under_way()
            if left.is_dry or stop.is_set() or time.monotonic() >= deadline:
                return left
            if (told := _told(left)) != said:
                self.stderr.write(told)
                said = told
            stop.wait(LOOK_SECONDS)


def _told(left: UnderWay) -> str:
    parts = {
        "s until no request of before can be at work": left.request_seconds,
        "operations": left.operations,
        "payouts in the middle of a step": left.payouts,
        "events": left.events,
        "events in quarantine, for a person": left.quarantined,
    }
    return ", ".join(f"{number} {what}" for what, number in parts.items() if number)
