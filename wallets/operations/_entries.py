"""From an accepted command to its journal entry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ledger.posting import Entry, Line
from wallet_project.kit.ids import uuid7
from wallets.chart import CHART
from wallets.movements import MovementRecord
from wallets.operations._commands import MovementCommand


def entry_of(
    command: MovementCommand, entry_id: UUID, posted_at: datetime, lines: Sequence[Line]
) -> Entry:
    """Make the entry of a command."""
    return Entry(
        id=entry_id,
        kind=command.kind,
        idempotency_key=command.key.digest,
        request_hash=command.request_hash,
        client=command.client,
        actor=command.actor,
        reference=command.reference,
        channel=command.channel,
        posted_at=posted_at,
        value_date=command.value_date or posted_at.date(),
        lines=tuple(lines),
        description=command.description,
        metadata=command.metadata,
        reverses=None if command.original is None else command.original.entry,
        corrects=command.corrects,
    )


def between_houses(command: MovementCommand, posted_at: datetime) -> tuple[Entry, MovementRecord]:
    """Make the entry between two house accounts, which have no balance and tell nothing."""
    signed = CHART[command.kind].wallet_sign * command.amount
    lines = [
        Line(command.wallet, command.currency, signed),
        Line(command.counterparty, command.currency, -signed),
    ]
    entry = entry_of(command, uuid7(), posted_at, lines)
    return entry, MovementRecord(
        transaction_id=entry.id,
        kind=command.kind,
        wallet_id=command.wallet,
        destination_wallet_id=None,
        amount=command.amount,
        currency=command.currency,
        balance=0,
        version=0,
        reference=command.reference,
        channel=command.channel,
        description=command.description,
        metadata=command.metadata,
        value_date=entry.value_date,
        created_at=entry.posted_at,
    )
