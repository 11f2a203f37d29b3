from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from prometheus_client import start_http_server

from events import consuming
from events.consumer import consumers
from wallet_project.kit import stopping
from wallet_project.kit.errors import DomainError


class Command(BaseCommand):
    """Hand events to consumers until told to stop. Any number may run: they share the work."""

    help = (
        "Read events and hand them to consumers, all or those named, until SIGTERM or SIGINT. The "
        "batch in hand is finished first."
    )
    requires_system_checks = ()  # events flow whatever the web's configuration says

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME", help="default: every consumer")
        parser.add_argument(
            "--metrics-port", type=int, default=0, help="serve the consumers' metrics on this port"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = stopping.on_signal()
        try:
            names = dict.fromkeys(options["names"] or consumers())
            chosen = [consuming.find(name) for name in names]
            if options["metrics_port"]:
                start_http_server(options["metrics_port"])
            self.stderr.write(f"consume: started {' '.join(names) or 'nothing'}")
            consuming.run(chosen, stop)
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stderr.write("consume: stopped")
