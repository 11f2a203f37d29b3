"""What database users may do besides the application's: one table of rights by role.

Each may do one thing. Who only erases cannot move money, and who only purges cannot erase.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from django.apps import apps

READONLY: Final = "readonly"
REAPER: Final = "reaper"
ERASER: Final = "eraser"

OURS: Final = frozenset(
    {
        "approvals",
        "events",
        "exports",
        "fraud",
        "kit",
        "ledger",
        "notifications",
        "periods",
        "privacy",
        "reconciliation",
        "safeguards",
        "wallets",
        "webhooks",
    }
)
"""Apps whose tables the roles may read: not those of staff, with their passwords and sessions."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a user may do besides reading: by table, the rights or the columns."""

    removes: frozenset[str] = frozenset()
    inserts: frozenset[str] = frozenset()
    changes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


ROLES: Final[dict[str, Role]] = {
    READONLY: Role(),
    REAPER: Role(
        removes=frozenset(
            {
                "events_consumedevent",
                "events_outboxevent",
                "fraud_observation",
                "notifications_notification",
                "wallets_operation",
                "wallets_refusal",
                "webhooks_webhookattempt",
                "webhooks_webhookdelivery",
            }
        ),
        inserts=frozenset({"events_archivedfile"}),
    ),
    ERASER: Role(
        removes=frozenset({"notifications_contact", "notifications_notification"}),
        inserts=frozenset({"events_outboxevent", "kit_audit_record", "privacy_privacyrecord"}),
        changes={
            "ledger_journalentry": ("description", "metadata", "note_salt"),
            "wallets_hold": ("description", "metadata"),
            "wallets_operation": ("description", "metadata"),
            "wallets_payout": ("destination",),
            # The new version is part of the event that tells of the erasure.
            "wallets_wallet": ("user_id", "metadata", "version", "updated_at"),
        },
    ),
}
"""What retention removes, what an erasure redacts: nothing else is granted."""


def role_grants(schema: str, user: str, role: str) -> list[str]:
    """Write the GRANT statements of a role for every table it may touch."""
    rights = ROLES[role]
    statements = []
    for table in sorted(our_tables()):
        words = ["SELECT"]
        if table in rights.inserts:
            words.append("INSERT")
        if columns := rights.changes.get(table):
            words.append(f"UPDATE ({', '.join(columns)})")
        if table in rights.removes:
            words.append("DELETE")
        statements.append(f"GRANT {', '.join(words)} ON `{schema}`.`{table}` TO `{user}`@`%`")
    return statements


def our_tables() -> set[str]:
    """List the tables of the project's own apps."""
    models = apps.get_models(include_auto_created=True)
    return {one._meta.db_table for one in models if one._meta.app_label in OURS}
