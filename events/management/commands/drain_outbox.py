"""Publish what waits in the outbox, and come back when nothing does."""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from events import leases, queries, relay
from events.broker import broker
from events.relay import POLL_SECONDS
from wallet_project.kit import stopping


class Command(BaseCommand):
    """Exit 0: nothing waits any more. Exit 2: something still does. Exit 1: it cannot publish."""

    help = (
        "Publish until the outbox is empty, before a deployment or a change of Kafka. May run "
        "beside relays, and waits for what they hold. Events behind a quarantined one stay."
    )
    requires_system_checks = ()  # events flow whatever the web's configuration says

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--timeout", type=float, default=60.0, help="seconds, at most")
        parser.add_argument("--dry-run", action="store_true", help="count, publish nothing")
        parser.add_argument("--json", action="store_true", help="print the numbers as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = stopping.on_signal()
        sent = 0 if options["dry_run"] else self._drain(stop, options["timeout"])
        numbers = {
            "published": sent,
            "waiting": queries.pending_count(),
            "quarantined": queries.quarantined_count(),
        }
        if options["json"]:
            self.stdout.write(json.dumps(numbers))
        else:
            self.stdout.write(", ".join(f"{number} {what}" for what, number in numbers.items()))
        if numbers["waiting"] or numbers["quarantined"]:
            sys.exit(2)

    def _drain(self, stop: threading.Event, timeout_seconds: float) -> int:
        holder, sent = leases.holder_name(), 0
        deadline = time.monotonic() + timeout_seconds
        try:
            while relay.has_work() and not stop.is_set():
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                budget = min(left, relay.BUDGET_SECONDS)
                drained = relay.drain_once(
                    broker(), holder=holder, stop=stop, budget_seconds=budget
                )
                sent += drained.sent
                if drained.failure:
                    raise CommandError(
                        f"{sent} events published, then no more: {drained.failure} "
                        "What is left stays in the outbox."
                    )
                self.stderr.write(f"{sent} events published")
                if not drained.sent:
                    stop.wait(POLL_SECONDS)  # another relay has the shards
        finally:
            leases.give_back(holder)
        return sent
