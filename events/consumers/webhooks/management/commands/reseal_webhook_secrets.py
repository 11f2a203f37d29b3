from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from events.consumers.webhooks.endpoints import reseal
from events.consumers.webhooks.sealing import Unreadable


class Command(BaseCommand):
    """Run after SECRET_KEY was changed; then the former one may leave SECRET_KEY_FALLBACKS."""

    help = "Encrypt the webhooks' secrets anew by the current SECRET_KEY. Safe to run twice."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = reseal()
        except Unreadable:
            raise CommandError(
                "A secret cannot be read: put the former SECRET_KEY into SECRET_KEY_FALLBACKS."
            ) from None
        self.stderr.write(f"The secrets of {count} endpoints are sealed by the current key.")
