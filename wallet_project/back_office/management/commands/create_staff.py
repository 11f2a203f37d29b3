"""`manage.py create_staff NAME:ROLE …`: make accounts and print their passwords, once."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from wallet_project.back_office import accounts
from wallet_project.back_office.errors import NoSuchRole, UserExists
from wallet_project.kit.audit import Actor
from wallet_project.kit.database import PRIMARY


class Command(BaseCommand):
    """All of them or none; what is printed is stored nowhere."""

    help = "Make accounts of staff. Each enrols an authenticator at its first login, or has one."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the command line."""
        parser.add_argument("accounts", nargs="+", metavar="NAME:ROLE", help="superuser is a role")
        parser.add_argument(
            "--enrol", action="store_true", help="make the authenticators' secrets, too: for demos"
        )
        parser.add_argument("--json", action="store_true", help="print all facts as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make and print them.

        :raises CommandError: if a name is taken, or there is no such role.
        """
        actor = Actor("command:create_staff")
        try:
            with transaction.atomic(using=PRIMARY):
                made = [
                    accounts.create(*_split(words), actor, enrol=options["enrol"])
                    for words in options["accounts"]
                ]
        except (UserExists, NoSuchRole) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps([asdict(account) for account in made]))
            return
        for account in made:
            self.stdout.write(f"{account.name} {account.role} {account.password} {account.uri}")


def _split(words: str) -> tuple[str, str]:
    name, colon, role = words.partition(":")
    if not name or not colon:
        raise CommandError(f"{words!r} is not NAME:ROLE.")
    return name, role
