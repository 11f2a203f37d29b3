"""Reads of accepted operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from ledger import queries as books
from ledger.queries import PostedEntry
from wallet_project.kit import clock, replica
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.replica import Source
from wallets import errors
from wallets.chart import CHART, OPERATION_TYPES, Kind, Party
from wallets.identity import WalletIdentity, parse_uuid
from wallets.models import Operation, OperationStatus
from wallets.movements import record_of


@dataclass(frozen=True, slots=True)
class OperationView:
    """An operation as it stands; amounts in minor units."""

    operation_id: UUID
    number: int
    """Its place in the order of acceptance."""
    wallet_id: UUID
    destination_wallet_id: UUID | None
    type: str
    amount: int
    currency: str
    status: str
    reason: str
    transaction_id: UUID | None
    balance: int | None
    created_at: datetime
    processed_at: datetime | None
    stale_as_of: datetime | None = None
    """As of when it is true, while only the replica can tell."""


@dataclass(frozen=True, slots=True)
class OperationsPage:
    """Some of a wallet's operations, the one accepted last first."""

    items: Sequence[OperationView]
    stale_as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What was accepted and is not applied yet."""

    operations: int
    oldest: timedelta
    """How long the oldest of them has waited; nothing if there is none."""


def operation(identity: WalletIdentity, name: str) -> OperationView:
    """Read an operation of a wallet by its id.

    An end is an end, on the replica too; what still waits there is asked of the primary.

    :raises OperationNotFound: if the wallet has no such operation.
    """
    operation_id = parse_uuid(name)

    def ask(source: Source) -> OperationView:
        row = None
        if operation_id is not None:
            rows = Operation.objects.using(source.using).filter(operation_id=operation_id)
            row = rows.filter(wallet=identity.id).first()
        source.need(source.is_last_resort or (row is not None and _has_ended(row)))
        if row is None:
            raise errors.OperationNotFound("The operation does not exist.", field="operationId")
        return _views(source, [row])[0]

    return replica.read(ask)


def operations_page(
    identity: WalletIdentity, *, status: OperationStatus | None, before: int | None, limit: int
) -> OperationsPage:
    """List a wallet's operations, the one accepted last first, below a number.

    What waits is the primary's to tell, so it is asked first.
    """

    def ask(source: Source) -> OperationsPage:
        source.need(source.is_last_resort)
        found = Operation.objects.using(source.using).filter(wallet=identity.id)
        if status is not None:
            found = found.filter(status=status)
        if before is not None:
            found = found.filter(pk__lt=before)
        views = _views(source, list(found.order_by("-id")[:limit]))
        moment = source.heartbeat() if source.is_last_resort else None
        return OperationsPage(views, stale_as_of=moment)

    return replica.read(ask)


def waiting() -> Waiting:
    """Tell how much waits to be applied, and for how long, as the primary has it."""
    rows = Operation.objects.using(PRIMARY).filter(status=OperationStatus.PENDING)
    oldest = rows.order_by("id").values_list("created_at", flat=True).first()
    if oldest is None:
        return Waiting(0, timedelta())
    return Waiting(rows.count(), max(clock.now() - oldest, timedelta()))


def _has_ended(row: Operation) -> bool:
    return row.status in (OperationStatus.COMPLETED, OperationStatus.FAILED)


def _views(source: Source, rows: Sequence[Operation]) -> list[OperationView]:
    keys = [bytes(row.idempotency_key) for row in rows if row.status == OperationStatus.COMPLETED]
    entries = books.entries_by_key(keys, using=source.using) if keys else {}
    source.need(len(entries) == len(keys))
    moment = source.heartbeat() if source.is_last_resort else None
    return [_view(row, entries.get(bytes(row.idempotency_key)), moment) for row in rows]


def _view(row: Operation, entry: PostedEntry | None, moment: datetime | None) -> OperationView:
    kind = Kind(row.kind)
    is_transfer = CHART[kind].counterparty is Party.WALLET
    record = None if entry is None else record_of(entry, row.currency)
    return OperationView(
        operation_id=row.operation_id,
        number=row.id,
        wallet_id=row.wallet,
        destination_wallet_id=row.counterparty if is_transfer else None,
        type=OPERATION_TYPES[kind],
        amount=row.amount,
        currency=row.currency,
        status=OperationStatus(row.status).name,
        reason=row.reason,
        transaction_id=None if record is None else record.transaction_id,
        balance=None if record is None else record.balance,
        created_at=row.created_at,
        processed_at=row.processed_at,
        stale_as_of=moment,
    )
