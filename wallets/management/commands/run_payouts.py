"""Take payouts to the gateway."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wallet_project.kit import stopping
from wallet_project.kit.errors import DomainError
from wallets.payouts import http_gateway, saga, worker


class Command(BaseCommand):
    """Any number may run, and die: what one leaves another finds."""

    help = "Advance payouts until SIGTERM or SIGINT: send, ask, capture, release, resume."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--threads", type=int, default=worker.THREADS)
        parser.add_argument("--once", action="store_true", help="one batch of what is due")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            gateway = saga.require_gateway(http_gateway.configured())
        except DomainError as error:
            raise CommandError(error.detail) from error
        stop = stopping.on_signal()
        threads = max(options["threads"], 1)
        if options["once"]:
            found = worker.run_once(gateway, threads=threads, stop=stop)
            self.stdout.write(f"{found} payouts were due.")
            return
        self.stderr.write("payouts: started")
        worker.run_forever(gateway, threads=threads, stop=stop)
        self.stderr.write("payouts: stopped")
