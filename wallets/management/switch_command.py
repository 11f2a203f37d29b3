"""What `pause_writes` and `resume_writes` share: a reason, one operation, one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wallet_project.kit.audit import Actor


class SwitchCommand(BaseCommand):
    """Exit 0: it is so now, or was already."""

    actor: ClassVar[str]
    operation: ClassVar[Callable[..., bool]]
    state: ClassVar[str]
    """What is so afterwards."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", required=True, help="why; it is kept")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        reason = options["reason"].strip()
        if not reason:
            raise CommandError("Say why by --reason; it is kept.")
        changed = type(self).operation(by=Actor(self.actor), reason=reason)
        if options["json"]:
            self.stdout.write(json.dumps({"state": self.state, "changed": changed}))
        else:
            was = "" if changed else " It was so already."
            self.stdout.write(f"Movements of money: {self.state}.{was}")
