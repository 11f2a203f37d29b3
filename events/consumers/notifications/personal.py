"""What notifications keep about a wallet's holder: addresses, and what was sent to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from events.consumers.notifications.models import Contact, Notification
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.personal_data import Holding, read_pages, register

_CONTACT = (
    "wallet",
    "email",
    "phone",
    "push_token",
    "kinds",
    "low_balance",
    "large_withdrawal",
    "created_at",
    "updated_at",
)
_NOTIFICATION = ("id", "wallet", "event_id", "kind", "channel", "numbers", "created_at", "sent_at")


def _read_contact(wallet: UUID) -> Iterator[dict[str, Any]]:
    return read_pages(Contact.objects.using(PRIMARY).filter(pk=wallet), _CONTACT, key="wallet")


def _count_contact(wallet: UUID) -> int:
    return Contact.objects.using(PRIMARY).filter(pk=wallet).count()


def _erase_contact(wallet: UUID, limit: int) -> int:
    return Contact.objects.using(PRIMARY).filter(pk__in=[wallet][:limit]).delete()[0]


def _read_notifications(wallet: UUID) -> Iterator[dict[str, Any]]:
    rows = Notification.objects.using(PRIMARY).filter(wallet=wallet)
    return read_pages(rows, _NOTIFICATION, key="id")


def _count_notifications(wallet: UUID) -> int:
    return Notification.objects.using(PRIMARY).filter(wallet=wallet).count()


def _erase_notifications(wallet: UUID, limit: int) -> int:
    rows = Notification.objects.using(PRIMARY)
    ids = list(rows.filter(wallet=wallet).order_by("id").values_list("id", flat=True)[:limit])
    return rows.filter(pk__in=ids).delete()[0]


register(
    Holding("contact", _read_contact, _count_contact, _erase_contact),
    Holding("notification", _read_notifications, _count_notifications, _erase_notifications),
)
