"""Writing and finding the records of erasures and exports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.utils.crypto import salted_hmac

from wallet_project.kit import clock
from wallet_project.kit.audit import Actor
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.ids import uuid7
from wallets.privacy.models import PrivacyKind, PrivacyRecord

_SALT = "wallets.privacy.subject"


@dataclass(frozen=True, slots=True)
class Order:
    """Whose data, who wants it done, and why."""

    client: int
    user_id: str | None
    actor: Actor
    reason: str
    run: UUID = field(default_factory=uuid7)


def keep(
    order: Order,
    kind: PrivacyKind,
    counts: Mapping[str, int],
    *,
    wallet: UUID | None,
    is_complete: bool,
) -> None:
    """Keep what was done, in the transaction in which it is done."""
    PrivacyRecord.objects.using(PRIMARY).create(
        at=clock.now(),
        run=order.run,
        kind=kind,
        client=order.client,
        subject=None if order.user_id is None else _digest(order.client, order.user_id),
        wallet=wallet,
        actor=order.actor.id,
        reason=order.reason,
        counts=dict(counts),
        is_complete=is_complete,
    )


def erased_at(client: int, user_id: str) -> datetime | None:
    """Tell when a user's last wallet was erased; None: none ever was.

    Also under a secret that is being replaced.
    """
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    rows = PrivacyRecord.objects.using(PRIMARY).filter(
        client=client,
        subject__in=[_digest(client, user_id, secret) for secret in secrets],
        kind=PrivacyKind.ERASED,
        is_complete=True,
    )
    return rows.order_by("-id").values_list("at", flat=True).first()


def _digest(client: int, user_id: str, secret: str | None = None) -> bytes:
    return salted_hmac(_SALT, f"{client}:{user_id}", secret=secret, algorithm="sha256").digest()
