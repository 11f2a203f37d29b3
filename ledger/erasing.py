"""Take personal text from journal entries: the only change that the books allow.

The digest of the text stays and the salt goes with it, so seals stay valid and nobody can guess
what was erased. An entry between two wallets loses its text for both.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import connections
from django.db.models import Q

from ledger.models import JournalEntry
from ledger.queries import postings_from
from wallet_project.kit.database import PRIMARY

_HAS_TEXT = Q(description__isnull=False) | Q(metadata__isnull=False) | Q(note_salt__isnull=False)


@dataclass(frozen=True, slots=True)
class Step:
    """A batch of an account's entries, from its first posting on."""

    erased: int
    """Entries that had a text."""
    next_sequence: int | None
    """The posting from which to go on; None: the account has no more."""


def erase_texts(account: UUID, *, from_sequence: int, limit: int) -> Step:
    """Erase the texts of an account's entries from a posting on, `limit` entries at most.

    In the caller's transaction; doing it twice changes nothing more.
    """
    entries, next_sequence = _batch(account, from_sequence, limit)
    if not entries:
        return Step(0, None)
    connection = connections[PRIMARY]
    table = JournalEntry._meta.db_table
    # Without the hint MySQL scans a small table, and locks entries that are being written.
    hint = "FORCE INDEX (PRIMARY) " if connection.vendor == "mysql" else ""
    marks = ", ".join(["%s"] * len(entries))
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} {hint}SET description = NULL, metadata = NULL, note_salt = NULL "
            f"WHERE id IN ({marks}) AND (description IS NOT NULL OR metadata IS NOT NULL "
            "OR note_salt IS NOT NULL)",
            [entry.bytes for entry in sorted(entries)],
        )
        return Step(cursor.rowcount, next_sequence)


def count_texts(account: UUID, *, from_sequence: int, limit: int) -> Step:
    """Count what `erase_texts` would erase, and change nothing."""
    entries, next_sequence = _batch(account, from_sequence, limit)
    found = JournalEntry.objects.using(PRIMARY).filter(_HAS_TEXT, pk__in=entries)
    return Step(found.count(), next_sequence)


def _batch(account: UUID, from_sequence: int, limit: int) -> tuple[list[UUID], int | None]:
    postings = postings_from(account, sequence=from_sequence, limit=limit)
    entries = [entry for _, entry in postings]
    return entries, postings[-1][0] + 1 if len(postings) == limit else None
