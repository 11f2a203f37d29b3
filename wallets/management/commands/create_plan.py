"""`manage.py create_plan NAME --reason R`: make a plan, or change what one grants."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wallet_project.kit.audit import Actor
from wallet_project.kit.errors import DomainError
from wallets.operations.create_plan import change_limits, create_plan


class Command(BaseCommand):
    """What is left out is unlimited."""

    help = "Make a plan, or with --change set what one grants."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the command line."""
        parser.add_argument("name", help="a-z, 0-9 and -")
        parser.add_argument("--requests-per-minute", type=int, help="without it: no limit")
        parser.add_argument("--withdrawals-per-minute", type=int, help="without it: no limit")
        parser.add_argument("--change", action="store_true", help="the plan exists")
        parser.add_argument("--reason", required=True, help="for the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make or change the plan.

        :raises CommandError: with the sentence of what is wrong.
        """
        act = change_limits if options["change"] else create_plan
        try:
            act(
                name=options["name"],
                requests_per_minute=options["requests_per_minute"],
                withdrawals_per_minute=options["withdrawals_per_minute"],
                by=Actor("command:create_plan"),
                reason=options["reason"],
            )
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stderr.write(
            f"The plan {options['name']} is {'set' if options['change'] else 'made'}."
        )
