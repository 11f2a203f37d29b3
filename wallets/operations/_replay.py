"""What earlier commands with the same keys came to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connections

from ledger import queries as books
from ledger.queries import PostedEntry
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import Refused
from wallets import errors
from wallets.models import Refusal, Wallet
from wallets.movements import record_of
from wallets.operations._commands import MovementCommand, Outcome


@dataclass(slots=True)
class Known:
    """Keys that have ended already: in the books, among the refusals, or earlier in this list."""

    entries: dict[bytes, PostedEntry]
    refusals: dict[bytes, tuple[bytes, Refused | None]]
    """By key: request hash, and the refusal; None where the key made a wallet, not a movement."""
    in_list: dict[bytes, tuple[bytes, Outcome]] = field(default_factory=dict)

    def outcome_of(self, command: MovementCommand) -> Outcome | None:
        """Return how a command with this key ended, or None if the key is new.

        Another command with the same key ends with `KeyReused`.
        """
        digest = command.key.digest
        if digest in self.in_list:
            seen, outcome = self.in_list[digest]
            if seen == command.request_hash:
                return Outcome(outcome.record, outcome.error, replayed=True)
        elif digest in self.entries:
            entry = self.entries[digest]
            if entry.request_hash == command.request_hash and entry.client == command.client:
                return Outcome(record_of(entry, command.currency), replayed=True)
        elif digest in self.refusals:
            seen, refusal = self.refusals[digest]
            if refusal is not None and seen == command.request_hash:
                return Outcome(error=refusal, replayed=True)
        else:
            return None
        return Outcome(error=key_reused())

    def remember(self, command: MovementCommand, outcome: Outcome) -> None:
        """Let a twin later in the same list find this outcome."""
        self.in_list[command.key.digest] = (command.request_hash, outcome)


def key_reused() -> errors.KeyReused:
    """Make the error for a key that has already named another command."""
    return errors.KeyReused(
        "This idempotency key was used for a different request; take a new key for a new request."
    )


def find(commands: Sequence[MovementCommand]) -> Known:
    """Look the keys of a list up, in a statement of its own after the locks are held."""
    keys = [command.key.digest for command in commands]
    return Known(entries=books.entries_by_key(keys), refusals=_refusals(keys))


def _refusals(keys: Sequence[bytes]) -> dict[bytes, tuple[bytes, Refused | None]]:
    marks = ", ".join(["%s"] * len(keys))
    # One trip for both tables; a wallet's creation burns the client's header keys as well.
    sql = (
        f"SELECT idempotency_key, request_hash, code, numbers FROM {Refusal._meta.db_table} "  # noqa: S608
        f"WHERE idempotency_key IN ({marks}) UNION ALL "
        f"SELECT idempotency_key, request_hash, NULL, NULL FROM {Wallet._meta.db_table} "
        f"WHERE idempotency_key IN ({marks})"
    )
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute(sql, [*keys, *keys])
        rows = cursor.fetchall()
    return {
        bytes(key): (
            bytes(request_hash),
            errors.stored_refusal(code, json.loads(text)) if code else None,
        )
        for key, request_hash, code, text in rows
    }


def store_refusals(refusals: Sequence[tuple[MovementCommand, Refused]], moment: datetime) -> None:
    """Keep refusals with their keys, sorted by key so that lists do not deadlock."""
    Refusal.objects.using(PRIMARY).bulk_create(
        [
            Refusal(
                command.key.digest,
                command.request_hash,
                command.client,
                refusal.code,
                {**refusal.data, "detail": refusal.detail},
                moment,
            )
            for command, refusal in sorted(refusals, key=lambda pair: pair[0].key.digest)
        ]
    )
