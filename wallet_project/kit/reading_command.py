"""Commands that change nothing, and could not."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from wallet_project.kit import database


class ReadingCommand(BaseCommand):
    """A command that speaks to the primary as the user who may only read, where one is set."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run it as that user."""
        with database.as_user(settings.DATABASE_READONLY):
            return super().execute(*args, **options)
