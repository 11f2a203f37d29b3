"""Where a query goes that does not name its database.

The reads of the business name theirs (`wallets/queries.py`, by `kit.replica`); what is left is
mostly the admin.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import connections

from wallet_project.kit import replica, servers
from wallet_project.kit.database import PRIMARY, REPLICA

_ON_REPLICA: Final = frozenset({"wallets", "ledger", "events"})
"""Apps whose rows may be shown some seconds late. Sessions and staff are read right after they
were written, so they are not among them."""


class Router:
    """Send writes, and reads inside a transaction, to the primary; other reads to a replica.

    While the primary is away the replica has the last word on everything, staff's sessions too.
    """

    def db_for_read(self, model: Any, **hints: Any) -> str:
        """Choose the database of a read."""
        if _only_the_replica_is_left():
            return REPLICA
        instance = hints.get("instance")
        if model._meta.app_label in _ON_REPLICA and replica.is_fresh():
            return REPLICA
        if instance is not None and instance._state.db not in (None, REPLICA):
            return str(instance._state.db)
        return PRIMARY

    def db_for_write(self, model: Any, **hints: Any) -> str:
        """Choose the database of a write."""
        return PRIMARY

    def allow_relation(self, first: Any, second: Any, **hints: Any) -> bool:
        """Allow relations between rows read from primary and replica: they are the same rows."""
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        """Migrate nothing on the replica."""
        return db != REPLICA


def _only_the_replica_is_left() -> bool:
    return (
        servers.is_read_only()
        and REPLICA in connections.databases
        and not connections[PRIMARY].in_atomic_block
    )
