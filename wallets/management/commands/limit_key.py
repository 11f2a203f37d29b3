"""`manage.py limit_key PREFIX --networks A,B --reason R`: bind an API key to addresses."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wallet_project.kit.audit import Actor
from wallet_project.kit.errors import DomainError
from wallets.operations._keys import BITES_WITHIN_SECONDS
from wallets.operations.limit_key import limit_key


class Command(BaseCommand):
    """A thin layer over `wallets.operations.limit_key`."""

    help = "Say from which addresses an API key may be used."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the command line."""
        parser.add_argument("prefix", help="of the key")
        parser.add_argument(
            "--networks",
            required=True,
            help="separated by commas, as in 192.0.2.0/24,2001:db8::/32; empty: from anywhere",
        )
        parser.add_argument("--reason", required=True, help="for the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        """Bind the key.

        :raises CommandError: with the sentence of what is wrong.
        """
        try:
            kept = limit_key(
                prefix=options["prefix"],
                networks=[word for word in options["networks"].split(",") if word.strip()],
                by=Actor("command:limit_key"),
                reason=options["reason"],
            )
        except DomainError as error:
            raise CommandError(error.detail) from error
        where = ", ".join(kept) or "anywhere"
        self.stderr.write(
            f"{options['prefix']} may be used from {where}; "
            f"every process knows of it within {BITES_WITHIN_SECONDS} seconds."
        )
