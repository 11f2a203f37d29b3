"""Run the sandbox gateway."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wallets.payouts.sandbox import Mood, Sandbox


class Command(BaseCommand):
    """For demonstrations: it pays nobody and forgets everything when it ends."""

    help = "Serve a payment gateway on the loopback that pays nobody, in any mood."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8090)
        parser.add_argument("--seed", type=int, help="misbehave the same way each time")
        parser.add_argument(
            "--mood",
            default="",
            help="such as slow=10,lose=20, of a hundred requests each: "
            + ", ".join(one.name for one in dataclasses.fields(Mood)),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        known = {one.name for one in dataclasses.fields(Mood)}
        words = [word.partition("=") for word in options["mood"].split(",") if word]
        if not {name for name, _, _ in words} <= known:
            raise CommandError(f"A mood is made of {', '.join(sorted(known))}.")
        mood = Mood(**{name: int(value) for name, _, value in words})
        server = Sandbox(options["port"], mood=mood, seed=options["seed"])
        self.stderr.write(f"sandbox gateway: {server.url}")
        server.serve_forever()
