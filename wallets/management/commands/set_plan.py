"""`manage.py set_plan CLIENT PLAN --as USER …`: ask for a client to be put on another plan."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wallet_project.kit.errors import DomainError
from wallets.approvals.operations.request_approval import request_approval
from wallets.corrections import plans
from wallets.management.naming import client_named, person_named


class Command(BaseCommand):
    """Files the request that the form of the admin files; somebody else decides about it there."""

    help = (
        "Ask for a client to be put on another plan, in the name of one of the staff. Nothing "
        "changes before another person has approved it under Waiting for approval, in the admin. "
        "The request's id is printed on stdout."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the command line."""
        parser.add_argument("client", help="its name")
        parser.add_argument("plan", help="the plan's name")
        parser.add_argument("--as", dest="user", required=True, help="who asks, by user name")
        parser.add_argument("--reason", required=True, help="what the other person decides by")
        parser.add_argument("--ticket", required=True, help="where the papers are")

    def handle(self, *args: Any, **options: Any) -> None:
        """File the request.

        :raises CommandError: with the sentence of what is wrong.
        """
        client = client_named(options["client"])
        why = {"reason": options["reason"], "ticket": options["ticket"]}
        ask = plans.ask(client, options["plan"], **why)
        try:
            made = request_approval(ask=ask, by=person_named(options["user"], "set_plan"))
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(str(made.pk))
        self.stderr.write(
            f"{options['user']} asks for the plan {options['plan']} for {options['client']}. "
            "Another person has to approve it in the admin, under Waiting for approval."
        )
