"""What `freeze` and `unfreeze` share: one wallet, a reason, one operation, one line."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Protocol

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wallet_project.kit.audit import Actor
from wallet_project.kit.errors import DomainError
from wallets.identity import WalletIdentity
from wallets.management.naming import wallet_named
from wallets.operations._status import StatusRequest
from wallets.queries import WalletView


class ChangesStatus(Protocol):
    """An operation that brings a wallet to a status."""

    def __call__(self, *, wallet: WalletIdentity, request: StatusRequest) -> WalletView:
        """Do it; doing it twice changes nothing."""
        ...


class StatusCommand(BaseCommand):
    """Exit 0: it is so now, or was already. Exit 1: it cannot be."""

    actor: ClassVar[str]
    """As the books and the audit log write it."""
    operation: ClassVar[ChangesStatus]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("wallet", help="its UUID, or with --client its reference")
        parser.add_argument("--client", help="whose wallet it is, by the client's name")
        parser.add_argument("--reason", required=True, help="why; it is kept")
        parser.add_argument(
            "--dry-run", action="store_true", help="tell what would be, change nothing"
        )
        parser.add_argument("--json", action="store_true", help="print the wallet as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        reason = options["reason"].strip()
        if not reason:
            raise CommandError("Say why by --reason; it is kept.")
        wallet = wallet_named(options["wallet"], options["client"])
        request = StatusRequest(
            actor=self.actor, reason=reason, staff=Actor(self.actor), dry_run=options["dry_run"]
        )
        try:
            view = type(self).operation(wallet=wallet, request=request)
        except DomainError as error:
            raise CommandError(error.detail) from error
        told = {"wallet": str(view.id), "status": str(view.status), "version": view.version}
        if options["json"]:
            self.stdout.write(json.dumps(told))
        else:
            verb = "would be" if options["dry_run"] else "is"
            self.stdout.write(f"{view.id} {verb} {view.status} at version {view.version}.")
