"""Reads of payouts: of the primary while it answers, for a payout moves without its wallet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Min

from wallet_project.kit import clock, replica
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.replica import Source
from wallets import errors, identity
from wallets.models import OPEN, Payout, PayoutStatus


@dataclass(frozen=True, slots=True)
class PayoutView:
    """A payout as it stands; the amount in minor units."""

    id: UUID
    wallet_id: UUID
    currency: str
    amount: int
    channel: str
    reference: str
    destination: Mapping[str, Any]
    status: str
    attempts: int
    next_attempt_at: datetime | None
    reason: str
    gateway_reference: str
    transaction_id: UUID | None
    created_at: datetime
    ended_at: datetime | None


def payout(client: int, name: str) -> PayoutView:
    """Read a client's payout.

    :raises PayoutNotFound: if the client has no such payout.
    """
    wanted = identity.parse_uuid(name)

    def ask(source: Source) -> Payout | None:
        return Payout.objects.using(source.using).filter(pk=wanted or UUID(int=0)).first()

    row = replica.read_primary_first(ask)
    if row is None or row.client != client:
        raise errors.PayoutNotFound("The payout does not exist.", field="payoutId")
    return view_of(row)


def payouts_page(
    client: int, *, status: PayoutStatus | None, before: UUID | None, limit: int
) -> Sequence[PayoutView]:
    """List a client's payouts, newest first, below an id."""

    def ask(source: Source) -> list[PayoutView]:
        found = Payout.objects.using(source.using).filter(client=client)
        if status is not None:
            found = found.filter(status=status)
        if before is not None:
            found = found.filter(pk__lt=before)
        return [view_of(row) for row in found.order_by("-id")[:limit]]

    return replica.read_primary_first(ask)


def waiting() -> tuple[dict[str, int], timedelta]:
    """Count the open payouts by status, and tell for how long the next step of one is overdue."""
    rows = Payout.objects.using(PRIMARY).filter(status__in=OPEN)
    counted = dict(rows.order_by().values_list("status").annotate(Count("pk")))
    earliest = rows.aggregate(earliest=Min("next_attempt_at"))["earliest"]
    late = timedelta() if earliest is None else clock.now() - earliest
    return {status.value: counted.get(status, 0) for status in OPEN}, max(late, timedelta())


def view_of(row: Payout) -> PayoutView:
    """Show a payout's row."""
    return PayoutView(
        id=row.id,
        wallet_id=row.wallet,
        currency=row.currency,
        amount=row.amount,
        channel=row.channel,
        reference=row.reference,
        destination=row.destination,
        status=row.status,
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
        reason=row.reason,
        gateway_reference=row.gateway_reference,
        transaction_id=row.entry,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )
