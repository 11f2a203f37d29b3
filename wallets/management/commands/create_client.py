"""`manage.py create_client NAME`: admit a client and print its API key, once."""

from __future__ import annotations

import json
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wallet_project.kit.audit import Actor
from wallet_project.kit.errors import DomainError
from wallets import errors
from wallets.models import Scope
from wallets.operations._keys import Admitted
from wallets.operations.create_client import DEFAULT_PLAN, add_key, create_client

_BY: Final = Actor("command:create_client")


class Command(BaseCommand):
    """The key goes to stdout and nothing else does, so that it can be piped into a vault."""

    help = "Admit a client and print its API key. The key is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the command line."""
        parser.add_argument("name", help="a-z, 0-9 and -; never changed later")
        parser.add_argument(
            "--scopes", help=f"separated by commas; all by default: {', '.join(Scope.values)}"
        )
        parser.add_argument("--plan", help=f"{DEFAULT_PLAN} by default")
        parser.add_argument(
            "--add-key", action="store_true", help="make one more key for a client that exists"
        )
        parser.add_argument(
            "--networks",
            default="",
            help="where the key may be used from, as in 192.0.2.0/24; from anywhere by default",
        )
        parser.add_argument("--json", action="store_true", help="print all facts as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the client or the key, and print it.

        :raises CommandError: with the sentence of what is wrong.
        """
        try:
            admitted = self._admit(options)
        except errors.ClientExists as error:
            raise CommandError(
                f"{error.detail} For one more key: create_client {options['name']} --add-key"
            ) from error
        except DomainError as error:
            raise CommandError(error.detail) from error
        self._print(admitted, as_json=options["json"])

    def _admit(self, options: dict[str, Any]) -> Admitted:
        name = options["name"]
        sent = options["scopes"]
        scopes = (
            None if sent is None else [part.strip() for part in sent.split(",") if part.strip()]
        )
        networks = [word for word in options["networks"].split(",") if word.strip()]
        if options["add_key"]:
            if options["plan"]:
                raise CommandError("--plan is for new clients; leave it out with --add-key.")
            return add_key(name=name, scopes=scopes, networks=networks, by=_BY)
        plan = options["plan"] or DEFAULT_PLAN
        return create_client(name=name, scopes=scopes, plan=plan, networks=networks, by=_BY)

    def _print(self, admitted: Admitted, *, as_json: bool) -> None:
        facts = {
            "client": admitted.name,
            "plan": admitted.plan,
            "scopes": list(admitted.scopes),
            "prefix": admitted.prefix,
            "key": admitted.key,
        }
        self.stdout.write(json.dumps(facts) if as_json else admitted.key)
        self.stderr.write(
            f"Client {admitted.name}, plan {admitted.plan}, scopes {', '.join(admitted.scopes)}. "
            "Keep the key now: it is not stored and cannot be shown again."
        )
