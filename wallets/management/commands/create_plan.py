"""`manage.py create_plan NAME --reason R`: make a plan, or ask to change what one grants."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wallet_project.kit.audit import Actor
from wallet_project.kit.errors import DomainError
from wallets.approvals.operations.request_approval import request_approval
from wallets.corrections import plan_limits
from wallets.management.naming import person_named
from wallets.operations.create_plan import LIMITS, create_plan


class Command(BaseCommand):
    """What is left out is unlimited."""

    help = (
        "Make a plan, or with --change ask for what one grants to be changed, in the name of one "
        "of the staff. Nothing changes before another person has approved it in the admin. The "
        "request's id is printed on stdout."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the command line."""
        parser.add_argument("name", help="a-z, 0-9 and -")
        parser.add_argument("--requests-per-minute", type=int, help="without it: no limit")
        parser.add_argument("--withdrawals-per-minute", type=int, help="without it: no limit")
        parser.add_argument("--change", action="store_true", help="the plan exists")
        parser.add_argument("--as", dest="user", help="who asks for a change, by user name")
        parser.add_argument("--ticket", help="where the papers of a change are")
        parser.add_argument("--reason", required=True, help="for the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the plan, or file the request.

        :raises CommandError: with the sentence of what is wrong.
        """
        limits = {name: options[name] for name in LIMITS}
        asks = options["user"] is not None, options["ticket"] is not None
        if asks != (options["change"],) * 2:
            raise CommandError("A change of a plan takes --as and --ticket, and only that does.")
        try:
            if options["change"]:
                self._ask(options, limits)
                return
            name, reason = options["name"], options["reason"]
            create_plan(name=name, **limits, by=Actor("command:create_plan"), reason=reason)
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stderr.write(f"The plan {options['name']} is made.")

    def _ask(self, options: dict[str, Any], limits: dict[str, int | None]) -> None:
        why = {"reason": options["reason"], "ticket": options["ticket"]}
        ask = plan_limits.ask(options["name"], limits, **why)
        made = request_approval(ask=ask, by=person_named(options["user"], "create_plan"))
        self.stdout.write(str(made.pk))
        self.stderr.write(
            f"{options['user']} asks for the plan {options['name']} to be changed. "
            "Another person has to approve it in the admin, under Waiting for approval."
        )
