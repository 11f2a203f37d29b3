"""`manage.py rotate_key PREFIX --reason R`: exchange an API key, and print the new one, once."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wallet_project.kit.audit import Actor
from wallet_project.kit.errors import DomainError
from wallets.operations.rotate_key import OVERLAP_HOURS, rotate_key


class Command(BaseCommand):
    """The key goes to stdout and nothing else does, so that it can be piped into a vault."""

    help = "Make a key that takes another one's place. It is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the command line."""
        parser.add_argument("prefix", help="of the key that is to end")
        parser.add_argument("--reason", required=True, help="for the audit log")
        parser.add_argument(
            "--overlap-hours",
            type=int,
            default=OVERLAP_HOURS,
            help=f"how long both work; {OVERLAP_HOURS} by default",
        )
        parser.add_argument("--json", action="store_true", help="print all facts as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate the key and print the new one.

        :raises CommandError: with the sentence of what is wrong.
        """
        try:
            made = rotate_key(
                prefix=options["prefix"],
                overlap_hours=options["overlap_hours"],
                by=Actor("command:rotate_key"),
                reason=options["reason"],
            )
        except DomainError as error:
            raise CommandError(error.detail) from error
        facts = {
            "client": made.name,
            "scopes": list(made.scopes),
            "prefix": made.prefix,
            "key": made.key,
        }
        self.stdout.write(json.dumps(facts) if options["json"] else made.key)
        self.stderr.write(
            f"{options['prefix']} ends in {options['overlap_hours']} hours. "
            "Keep the new key now: it is not stored and cannot be shown again."
        )
