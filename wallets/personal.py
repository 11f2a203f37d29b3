"""Texts of people on holds, operations and payouts, beside those in the books."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from wallet_project.kit.database import PRIMARY
from wallet_project.kit.personal_data import Holding, read_pages, register
from wallets.models import OPEN, Hold, Operation, OperationStatus, Payout

_HOLD = (
    "id",
    "wallet_id",
    "currency",
    "amount",
    "channel",
    "reference",
    "description",
    "metadata",
    "expires_at",
    "created_at",
    "status",
    "captured",
    "entry",
    "ended_at",
)
_OPERATION = (
    "id",
    "operation_id",
    "kind",
    "wallet",
    "counterparty",
    "currency",
    "amount",
    "reference",
    "channel",
    "description",
    "metadata",
    "status",
    "reason",
    "created_at",
    "processed_at",
)
_PAYOUT = (
    "id",
    "wallet",
    "currency",
    "amount",
    "channel",
    "reference",
    "destination",
    "status",
    "reason",
    "gateway_reference",
    "entry",
    "created_at",
    "ended_at",
)
_HAS_TEXT = Q(description__isnull=False) | Q(metadata__isnull=False)
_ENDED = (OperationStatus.COMPLETED, OperationStatus.FAILED)


def open_work(wallet: UUID) -> str:
    """Tell what must end before a wallet can be erased wholly; empty: nothing."""
    payouts = Payout.objects.using(PRIMARY).filter(wallet=wallet, status__in=OPEN).count()
    operations = Operation.objects.using(PRIMARY).filter(wallet=wallet)
    pending = operations.exclude(status__in=_ENDED).count()
    parts = ((payouts, "open payouts"), (pending, "pending operations"))
    return ", ".join(f"{number} {what}" for number, what in parts if number)


def _holds(wallet: UUID) -> QuerySet[Hold]:
    return Hold.objects.using(PRIMARY).filter(wallet_id=wallet)


def _operations(wallet: UUID) -> QuerySet[Operation]:
    return Operation.objects.using(PRIMARY).filter(wallet=wallet)


def _payouts(wallet: UUID) -> QuerySet[Payout]:
    return Payout.objects.using(PRIMARY).filter(wallet=wallet)


def _hold_texts(wallet: UUID) -> QuerySet[Hold]:
    return _holds(wallet).filter(_HAS_TEXT)


def _operation_texts(wallet: UUID) -> QuerySet[Operation]:
    # One that waits needs its text for the books, where it is erased from.
    return _operations(wallet).filter(_HAS_TEXT, status__in=_ENDED)


def _payees(wallet: UUID) -> QuerySet[Payout]:
    # An open payout needs its destination.
    return _payouts(wallet).exclude(status__in=OPEN).exclude(destination={})


def _read_holds(wallet: UUID) -> Iterator[dict[str, Any]]:
    return read_pages(_holds(wallet), _HOLD, key="id")


def _read_operations(wallet: UUID) -> Iterator[dict[str, Any]]:
    for row in read_pages(_operations(wallet), _OPERATION, key="id"):
        yield row | {"status": OperationStatus(row["status"]).name}


def _read_payouts(wallet: UUID) -> Iterator[dict[str, Any]]:
    return read_pages(_payouts(wallet), _PAYOUT, key="id")


def _erase_holds(wallet: UUID, limit: int) -> int:
    ids = list(_hold_texts(wallet).values_list("pk", flat=True)[:limit])
    return _holds(wallet).filter(pk__in=ids).update(description=None, metadata=None)


def _erase_operations(wallet: UUID, limit: int) -> int:
    ids = list(_operation_texts(wallet).values_list("pk", flat=True)[:limit])
    return _operations(wallet).filter(pk__in=ids).update(description=None, metadata=None)


def _erase_payees(wallet: UUID, limit: int) -> int:
    ids = list(_payees(wallet).values_list("pk", flat=True)[:limit])
    return _payouts(wallet).filter(pk__in=ids).update(destination={})


register(
    Holding("hold", _read_holds, lambda wallet: _hold_texts(wallet).count(), _erase_holds),
    Holding(
        "operation",
        _read_operations,
        lambda wallet: _operation_texts(wallet).count(),
        _erase_operations,
    ),
    Holding("payout", _read_payouts, lambda wallet: _payees(wallet).count(), _erase_payees),
)
