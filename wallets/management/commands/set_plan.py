"""`manage.py set_plan CLIENT PLAN --reason R`: put a client on another plan."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wallet_project.kit.audit import Actor
from wallet_project.kit.errors import DomainError
from wallets.operations.change_plan import change_plan


class Command(BaseCommand):
    """What the client may ask for changes within seconds."""

    help = "Put a client on another plan."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the command line."""
        parser.add_argument("client", help="its name")
        parser.add_argument("plan", help="the plan's name")
        parser.add_argument("--reason", required=True, help="for the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        """Change the plan.

        :raises CommandError: with the sentence of what is wrong.
        """
        name, plan = options["client"], options["plan"]
        by = Actor("command:set_plan")
        try:
            before = change_plan(name=name, plan=plan, by=by, reason=options["reason"])
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stderr.write(f"{name} went from the plan {before} to {plan}.")
