"""`manage.py reset_totp USER --reason …`: for a phone that is lost."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from wallet_project.back_office import second_factor
from wallet_project.kit.audit import REASON_LENGTH_MAX, Actor
from wallet_project.kit.database import PRIMARY


class Command(BaseCommand):
    """The next login of this user enrols a new authenticator."""

    help = "Take away a user's authenticator and recovery codes. Safe to run twice."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the command line."""
        parser.add_argument("user", help="the user name")
        parser.add_argument("--reason", required=True, help="kept in the audit log")
        parser.add_argument("--dry-run", action="store_true", help="only tell what would go")

    def handle(self, *args: Any, **options: Any) -> None:
        """Reset, and tell how many devices are gone.

        :raises CommandError: if there is no such user, or the reason says nothing.
        """
        reason = options["reason"].strip()
        if not reason or len(reason) > REASON_LENGTH_MAX:
            raise CommandError(f"--reason must have 1 to {REASON_LENGTH_MAX} characters.")
        user = User.objects.using(PRIMARY).filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']!r}.")
        if options["dry_run"]:
            enrolled = "an" if second_factor.is_enrolled(user) else "no"
            self.stderr.write(f"{user.get_username()} has {enrolled} authenticator.")
            return
        gone = second_factor.reset(user, Actor("command:reset_totp"), reason)
        self.stderr.write(f"{gone} devices of {user.get_username()} are gone.")
