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

    def outcomes_of_linked(self, commands: Sequence[MovementCommand]) -> list[Outcome] | None:
        """Return how commands that share one fate ended, or None if all of their keys are new.

        The keys of a list exist all or none, so anything but a repeat of the whole list ends with
        `KeyReused` and burns nothing.
        """
        said: dict[bytes, bytes] = {}
        for index, command in enumerate(commands):
            if said.setdefault(command.key.digest, command.request_hash) != command.request_hash:
                return _all_reused(commands, index)
        earlier = [self.outcome_of(command) for command in commands]
        ended = [outcome for outcome in earlier if outcome is not None]
        if not ended:
            return None
        is_repeat = len(ended) == len(earlier) and all(outcome.replayed for outcome in ended)
        if is_repeat and all(outcome.record for outcome in ended):
            return ended
        failed = ended[0].error
        if is_repeat and failed is not None and not any(outcome.record for outcome in ended):
            # Refused together, the refusal knows which of them was to blame.
            place = failed.data.get("index", 0)
            return [Outcome(error=failed.add_facts(index=place), replayed=True)] * len(ended)
        blamed = [place for place, outcome in enumerate(earlier) if outcome is not None]
        return _all_reused(
            commands, next((p for p in blamed if not _is_replay(earlier[p])), blamed[0])
        )

    def remember(self, command: MovementCommand, outcome: Outcome) -> None:
        """Let a twin later in the same list find this outcome."""
        self.in_list[command.key.digest] = (command.request_hash, outcome)


def key_reused() -> errors.KeyReused:
    """Make the error for a key that has already named another command."""
    return errors.KeyReused(
        "This idempotency key was used for a different request; take a new key for a new request."
    )


def _all_reused(commands: Sequence[MovementCommand], index: int) -> list[Outcome]:
    return [Outcome(error=key_reused().add_facts(index=index))] * len(commands)


def _is_replay(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.replayed


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
