"""`manage.py revoke_key PREFIX --reason R`: end an API key at once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wallet_project.kit.audit import Actor
from wallet_project.kit.errors import DomainError
from wallets.operations._keys import BITES_WITHIN_SECONDS
from wallets.operations.revoke_key import revoke_key


class Command(BaseCommand):
    """Every process refuses the key within seconds."""

    help = "End an API key for good."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the command line."""
        parser.add_argument("prefix", help="the part of the key before the dot")
        parser.add_argument("--reason", required=True, help="for the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        """Revoke the key.

        :raises CommandError: with the sentence of what is wrong.
        """
        by = Actor("command:revoke_key")
        try:
            revoke_key(prefix=options["prefix"], by=by, reason=options["reason"])
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stderr.write(
            f"{options['prefix']} is revoked; processes refuse it within "
            f"{BITES_WITHIN_SECONDS} seconds."
        )
