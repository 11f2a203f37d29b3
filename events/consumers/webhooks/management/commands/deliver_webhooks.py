from __future__ import annotations

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from prometheus_client import start_http_server

from events.consumers.webhooks.deliverer import Deliverer, deliver_due


class Command(BaseCommand):
    """Send webhooks until told to stop. Any number may run beside each other."""

    help = "Send webhooks that are due until SIGTERM or SIGINT."
    requires_system_checks = ()  # as the relay: whatever the web's configuration says

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--metrics-port", type=int, default=0, help="serve the webhooks' metrics on this port"
        )
        parser.add_argument("--once", action="store_true", help="send what is due now, then leave")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            made = deliver_due(settings.WEBHOOKS)
            self.stderr.write(f"deliver_webhooks: {made} attempts made")
            return
        if options["metrics_port"]:
            start_http_server(options["metrics_port"])
        asyncio.run(self._run())
        self.stderr.write("deliver_webhooks: stopped")

    async def _run(self) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        # Not before: whoever reads it may end the process by a signal from now on.
        self.stderr.write("deliver_webhooks: started")
        await Deliverer(settings.WEBHOOKS).run(stop)
