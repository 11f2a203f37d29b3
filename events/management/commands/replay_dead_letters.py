from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from events import consuming, replaying
from events.replaying import Queue
from wallet_project.kit.errors import DomainError


class Command(BaseCommand):
    """Exit 0: nothing waits any more. Exit 1: a letter failed again, or cannot be replayed."""

    help = (
        "Let consumers handle again what they put aside, wallet by wallet, in order. What had its "
        "effect before has none again. Stops within a wallet at the first letter that fails."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--consumer", default="", help="only this consumer's letters")
        parser.add_argument(
            "--id", type=int, help="only the letters of the wallet that this one belongs to"
        )
        parser.add_argument("--dry-run", action="store_true", help="only list what waits")
        parser.add_argument(
            "--discard",
            action="store_true",
            help="give the letter --id up, so that those behind it can be replayed",
        )
        parser.add_argument("--reason", default="", help="for the audit log")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["discard"]:
            self._discard(options["id"], options["reason"])
            return
        queues = replaying.queues(options["consumer"], options["id"])
        if options["id"] is not None and not queues:
            raise CommandError(f"No letter {options['id']} waits.")
        told = []
        for queue in queues:
            outcome = {} if options["dry_run"] else _replay(queue, options["reason"])
            told.append(_summary(queue) | outcome)
            if not options["json"]:
                self.stdout.write(_sentence(told[-1]))
        if options["json"]:
            self.stdout.write(json.dumps(told))
        elif not told:
            self.stderr.write("Nothing waits.")
        stuck = sum(one.get("failed") is not None for one in told)
        if stuck:
            raise CommandError(f"{stuck} of {len(told)} still wait.")

    def _discard(self, letter: int | None, reason: str) -> None:
        if letter is None:
            raise CommandError("--discard needs --id: letters are given up one by one.")
        if not replaying.discard(letter, reason=reason):
            raise CommandError(f"No letter {letter} waits.")
        self.stderr.write(f"Letter {letter} is given up; replay those behind it.")


def _replay(queue: Queue, reason: str) -> dict[str, Any]:
    try:
        done = replaying.replay(consuming.find(queue.consumer), queue, reason=reason)
    except DomainError as error:
        return {"handled": 0, "failed": queue.letters[0], "reason": error.detail}
    return {"handled": done.handled, "failed": done.failed, "reason": done.reason}


def _summary(queue: Queue) -> dict[str, Any]:
    wallet = None if queue.stream is None else str(queue.stream)
    return {"consumer": queue.consumer, "wallet": wallet, "letters": queue.letters}


def _sentence(told: dict[str, Any]) -> str:
    line = f"{told['consumer']} {told['wallet'] or 'no wallet'}: {len(told['letters'])} waited"
    if "handled" in told:
        line += f", {told['handled']} handled"
    if told.get("failed") is not None:
        line += f", stopped at letter {told['failed']}: {told['reason']}"
    return line
