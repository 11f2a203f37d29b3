from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from events import topics
from wallet_project.kit.errors import DomainError


class Command(BaseCommand):
    """Make the Kafka topics that are missing. Safe to run at every start."""

    help = "Make the Kafka topics that are missing; refuse when one has another shape."
    requires_system_checks = ()  # events flow whatever the web's configuration says

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--wait", type=float, default=60.0, help="seconds to wait for Kafka (default: 60)"
        )
        parser.add_argument("--json", action="store_true", help="print the topics as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        states: list[topics.TopicState] = []
        if settings.KAFKA_BOOTSTRAP_SERVERS:
            try:
                states = topics.ensure(
                    topics.wanted(), wait_seconds=options["wait"], say=self.stderr.write
                )
            except DomainError as error:
                raise CommandError(error.detail) from error
        else:
            self.stderr.write(
                f"KAFKA_BOOTSTRAP_SERVERS is empty: events go to {settings.EVENT_LOG}"
            )
        if options["json"]:
            self.stdout.write(json.dumps([asdict(state) for state in states]))
            return
        for state in states:
            made = "made" if state.created else "there"
            self.stdout.write(f"{state.name}: {state.partitions} partitions, {made}")
