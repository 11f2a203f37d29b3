"""Where a query goes. For now every read asks the primary too."""

from __future__ import annotations

from typing import Any

from wallet_project.kit.database import PRIMARY


class PrimaryRouter:
    """Send reads and writes to the primary; migrate nothing on the replica."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return PRIMARY

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return PRIMARY

    def allow_relation(self, first: Any, second: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db != "replica"
