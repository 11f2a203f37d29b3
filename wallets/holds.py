"""What a hold is and how it ended, told from its row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from wallets.models import Hold, HoldStatus


@dataclass(frozen=True, slots=True)
class HoldRecord:
    """A hold at some moment; amounts in minor units."""

    id: UUID
    wallet_id: UUID
    client: int
    currency: str
    amount: int
    owner: str
    channel: str
    reference: str
    description: str | None
    metadata: Mapping[str, Any] | None
    expires_at: datetime | None
    created_at: datetime
    version: int
    """The wallet's, when the hold came to this status."""
    status: str
    captured: int
    transaction_id: UUID | None
    ended_at: datetime | None

    def as_of(self, moment: datetime) -> HoldRecord:
        """Tell the hold as it is at a moment: its time may have passed without anybody looking."""
        if self.status != HoldStatus.ACTIVE or self.expires_at is None or self.expires_at > moment:
            return self
        return replace(self, status=HoldStatus.EXPIRED.value, ended_at=self.expires_at)


def record_of(row: Hold) -> HoldRecord:
    """Tell a hold as it stands."""
    return replace(
        as_made(row),
        version=row.version if row.ended_version is None else row.ended_version,
        status=str(row.status),
        captured=row.captured,
        transaction_id=row.entry,
        ended_at=row.ended_at,
    )


def as_made(row: Hold) -> HoldRecord:
    """Tell a hold as it was when it was made: the same words at every repeat."""
    return HoldRecord(
        id=row.id,
        wallet_id=row.wallet_id,
        client=row.client,
        currency=row.currency,
        amount=row.amount,
        owner=row.owner,
        channel=row.channel,
        reference=row.reference,
        description=row.description,
        metadata=row.metadata,
        expires_at=row.expires_at,
        created_at=row.created_at,
        version=row.version,
        status=HoldStatus.ACTIVE.value,
        captured=0,
        transaction_id=None,
        ended_at=None,
    )
