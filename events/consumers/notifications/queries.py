"""What others may ask about notifications: what was told, never to which address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from events.consumers.notifications.models import Notification
from wallet_project.kit.database import PRIMARY


@dataclass(frozen=True, slots=True)
class Told:
    """A notification, as far as a list shows it."""

    id: int
    kind: str
    channel: str
    created_at: datetime
    sent_at: datetime | None
    is_waiting: bool
    """Whether somebody will still try to send it."""


def latest_notifications(wallet: UUID, *, limit: int) -> list[Told]:
    """List what a wallet's holder was told, newest first, by the index over wallets."""
    rows = Notification.objects.using(PRIMARY).filter(wallet=wallet)
    return [
        Told(
            id=row.pk,
            kind=row.get_kind_display(),
            channel=row.channel,
            created_at=row.created_at,
            sent_at=row.sent_at,
            is_waiting=row.sent_at is None and row.next_attempt_at is not None,
        )
        for row in rows.order_by("-id")[:limit]
    ]
