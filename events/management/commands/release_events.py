"""`manage.py release_events`: try events again that could not be sent."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from events import releasing
from events.releasing import Stuck
from wallet_project.kit.audit import Actor


class Command(BaseCommand):
    """Exit 0: the relay has them again, or nothing was quarantined."""

    help = "Release quarantined events and those held behind them, in their order."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command line."""
        parser.add_argument("--wallet", type=UUID, help="only this wallet's (or endpoint's)")
        parser.add_argument("--reason", default="", help="what was mended; for the audit log")
        parser.add_argument("--dry-run", action="store_true", help="only list them")
        parser.add_argument("--json", action="store_true", help="print what was found as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Release what is quarantined, stream by stream.

        :raises CommandError: without a reason.
        """
        if not (options["dry_run"] or options["reason"].strip()):
            raise CommandError("Say by --reason what was mended.")
        told = []
        for found in releasing.stuck(options["wallet"]):
            told.append(_summary(found))
            if not options["dry_run"]:
                by = Actor("command:release_events")
                told[-1]["released"] = releasing.release(
                    found.stream, by=by, reason=options["reason"]
                )
            if not options["json"]:
                self.stdout.write(_sentence(told[-1]))
        if options["json"]:
            self.stdout.write(json.dumps(told))
        elif not told:
            self.stderr.write("Nothing is quarantined.")


def _summary(found: Stuck) -> dict[str, Any]:
    return {
        "wallet": str(found.stream),
        "event": found.event,
        "type": found.type,
        "reason": found.reason,
        "since": None if found.since is None else found.since.isoformat(),
        "held": found.held,
    }


def _sentence(told: dict[str, Any]) -> str:
    line = f"{told['wallet']}: {told['type']}, {told['held']} behind it; {told['reason']}"
    return line + (f"; {told['released']} wait for the relay" if "released" in told else "")
