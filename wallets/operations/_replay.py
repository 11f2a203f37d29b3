"""What earlier commands with the same keys came to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from django.db import connections

from ledger import queries as books
from ledger.queries import PostedEntry
from wallet_project.kit.bulk_sql import hex_list
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import Refused
from wallets import errors, holds
from wallets.chart import Kind
from wallets.holds import HoldRecord
from wallets.models import Hold, Operation, Refusal, Wallet
from wallets.movements import record_of
from wallets.operations._commands import MovementCommand, Outcome

# Neither can be the code of a refusal: those are in lower case.
_HELD: Final = Kind.HOLD.name
_VOIDED: Final = Kind.VOID.name


@dataclass(slots=True)
class Known:
    """Keys that have ended already: in the books, among the refusals, or earlier in this list."""

    entries: dict[bytes, PostedEntry]
    refusals: dict[bytes, tuple[bytes, Refused | None]]
    """By key: request hash, and the refusal; None where the key made a wallet, not a movement."""
    operations: dict[bytes, bytes] = field(default_factory=dict)
    """By key: the request hash of an accepted operation, which is the key's one command."""
    holds: dict[bytes, tuple[bytes, HoldRecord]] = field(default_factory=dict)
    """By key: request hash, and the hold as the command with that key left it."""
    beside: list[tuple[bytes, str, str]] = field(default_factory=list)
    """What the other questions of the same trip have found: key, word and text."""
    in_list: dict[bytes, tuple[bytes, Outcome]] = field(default_factory=dict)

    def outcome_of(self, command: MovementCommand) -> Outcome | None:
        """Return how a command with this key ended, or None if the key is new.

        Another command with the same key ends with `KeyReused`.
        """
        digest = command.key.digest
        if digest in self.in_list:
            seen, outcome = self.in_list[digest]
            if seen == command.request_hash:
                return replace(outcome, replayed=True)
        elif digest in self.entries:
            entry = self.entries[digest]
            if entry.request_hash == command.request_hash and entry.client == command.client:
                record = record_of(entry, command.currency)
                if command.terms is not None:
                    record = replace(record, hold_id=command.terms.hold)
                return Outcome(record, replayed=True)
        elif digest in self.holds:
            seen, hold = self.holds[digest]
            if seen == command.request_hash and hold.client == command.client:
                return Outcome(hold=hold, replayed=True)
        elif digest in self.refusals:
            seen, refusal = self.refusals[digest]
            if refusal is not None and seen == command.request_hash:
                return Outcome(error=refusal, replayed=True)
        elif self.operations.get(digest, command.request_hash) == command.request_hash:
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
        if is_repeat and all(outcome.error is None for outcome in ended):
            return ended
        failed = ended[0].error
        if is_repeat and failed is not None and all(outcome.error for outcome in ended):
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


def find(commands: Sequence[MovementCommand], *, beside: Sequence[str] = ()) -> Known:
    """Look the keys of a list up, in a statement of its own after the locks are held.

    :param beside: other SELECTs of key, NULL, a word in upper case and a text, for the same trip.
    """
    keys = [command.key.digest for command in commands]
    if not keys:
        return Known({}, {})
    known = Known(entries=books.entries_by_key(keys), refusals={})
    holding: dict[bytes, str] = {}
    for key, request_hash, code, text in _others(keys, beside):
        if request_hash is None:
            known.beside.append((key, str(code), text))
        elif code == _OPERATION:
            known.operations[key] = request_hash
        elif code in (_HELD, _VOIDED):
            holding[key] = code
        else:
            refusal = errors.stored_refusal(code, json.loads(text)) if code else None
            known.refusals[key] = (request_hash, refusal)
    if holding:
        known.holds.update(_holds(holding))
    return known


_OPERATION: Final = "operation"
"""Stands, like the two below, where a refusal has its code."""


def _others(
    keys: Sequence[bytes], beside: Sequence[str]
) -> list[tuple[bytes, bytes | None, str | None, str]]:
    listed = hex_list(keys)
    # One trip for all tables; a wallet's creation burns the client's header keys as well.
    hold = Hold._meta.db_table
    sql = (
        f"SELECT idempotency_key, request_hash, code, numbers FROM {Refusal._meta.db_table} "  # noqa: S608 - hex digits
        f"WHERE idempotency_key IN ({listed}) UNION ALL "
        f"SELECT idempotency_key, request_hash, NULL, NULL FROM {Wallet._meta.db_table} "
        f"WHERE idempotency_key IN ({listed}) UNION ALL "
        f"SELECT idempotency_key, request_hash, '{_OPERATION}', NULL "
        f"FROM {Operation._meta.db_table} WHERE idempotency_key IN ({listed}) UNION ALL "
        f"SELECT idempotency_key, request_hash, '{_HELD}', NULL FROM {hold} "
        f"WHERE idempotency_key IN ({listed}) UNION ALL "
        f"SELECT void_key, void_request_hash, '{_VOIDED}', NULL FROM {hold} "
        f"WHERE void_key IN ({listed})"
    )
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute(" UNION ALL ".join([sql, *beside]))
        rows = cursor.fetchall()
    return [
        (bytes(key), None if hash_ is None else bytes(hash_), code, text)
        for key, hash_, code, text in rows
    ]


def _holds(used: Mapping[bytes, str]) -> dict[bytes, tuple[bytes, HoldRecord]]:
    """Read the holds that keys have made or voided, each as it was then."""
    rows = Hold.objects.using(PRIMARY)
    made = [key for key, word in used.items() if word == _HELD]
    voided = [key for key, word in used.items() if word == _VOIDED]
    found: dict[bytes, tuple[bytes, HoldRecord]] = {}
    for row in rows.filter(idempotency_key__in=made):
        found[bytes(row.idempotency_key)] = (bytes(row.request_hash), holds.as_made(row))
    for row in rows.filter(void_key__in=voided):
        found[bytes(row.void_key or b"")] = (
            bytes(row.void_request_hash or b""),
            holds.record_of(row),
        )
    return found


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
