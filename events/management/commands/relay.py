from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from prometheus_client import start_http_server

from events import relay
from events.broker import broker
from wallet_project.kit import stopping
from wallet_project.kit.errors import DomainError


class Command(BaseCommand):
    """Publish the outbox until told to stop. Any number may run: one works, the others stand by."""

    help = "Publish the outbox to Kafka (or the local event log) until SIGTERM or SIGINT."
    requires_system_checks = ()  # events flow whatever the web's configuration says

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--metrics-port", type=int, default=0, help="serve the outbox's metrics on this port"
        )
        parser.add_argument(
            "--once", action="store_true", help="publish what waits now, then leave"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = stopping.on_signal()
        if options["once"]:
            try:
                sent = relay.drain_all(broker(), stop)
            except DomainError as error:
                raise CommandError(error.detail) from error
            self.stderr.write(f"relay: {sent} events published")
            return
        if options["metrics_port"]:
            start_http_server(options["metrics_port"])
        self.stderr.write("relay: started")
        relay.run_forever(broker(), stop)
        self.stderr.write("relay: stopped")
