"""What is told of payouts, on their own topic. Key of every message: the wallet.

Where a payout stands is no step of its wallet's version, so none of this is a fact of the wallet;
the facts are its hold and what becomes of it. No message tells the destination.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from events import contracts
from events.outbox import NewMessage
from wallet_project.kit.clock import rfc3339
from wallet_project.kit.money import format_minor
from wallets.models import Payout


def requested(row: Payout) -> NewMessage:
    """Tell that a payout was put down."""
    return _message(row, contracts.PAYOUT_REQUESTED, row.created_at)


def delayed(row: Payout, at: datetime, *, reason: str, next_attempt_at: datetime) -> NewMessage:
    """Tell that a payout waits."""
    more = {"reason": reason, "next_attempt_at": rfc3339(next_attempt_at)}
    return _message(row, contracts.PAYOUT_DELAYED, at, **more)


def paid(row: Payout, at: datetime, *, entry: UUID) -> NewMessage:
    """Tell that a payout was paid."""
    return _message(row, contracts.PAYOUT_PAID, at, transaction_id=str(entry))


def refused(row: Payout, at: datetime) -> NewMessage:
    """Tell that a payout was refused, for the reason in its row."""
    return _message(row, contracts.PAYOUT_REFUSED, at, reason=row.reason)


def _message(row: Payout, type_: str, at: datetime, **more: Any) -> NewMessage:
    told = contracts.MESSAGES[type_](
        payout_id=str(row.pk),
        wallet_id=str(row.wallet),
        currency=row.currency,
        amount=format_minor(row.amount, row.currency),
        reference_id=row.reference or None,
        occurred_at=rfc3339(at),
        **more,
    )
    return NewMessage(
        topic=settings.KAFKA_TOPIC_PAYOUTS,
        stream=row.wallet,
        client=row.client,
        type=type_,
        value=contracts.encode(told),
        occurred_at=at,
    )
