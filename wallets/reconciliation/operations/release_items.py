"""Let items go that wait for a request which nobody will carry out any more."""

from __future__ import annotations

from typing import Final

from django.db import transaction

from wallet_project.kit import database
from wallet_project.kit.database import PRIMARY
from wallets.approvals.models import Approval, Status
from wallets.reconciliation.models import Item, ItemStatus

_ENDED: Final = (
    *(Status.REJECTED, Status.EXPIRED, Status.WITHDRAWN, Status.FAILED),
    # Whatever it was for is matched by then.
    Status.CARRIED_OUT,
)


def release_items(*, client: int, channel: str) -> int:
    """Open the items whose request has ended, however it did; return how many they were."""

    def body() -> int:
        with transaction.atomic(using=PRIMARY, durable=True):
            waiting = Item.objects.using(PRIMARY).filter(
                client=client, channel=channel, status=ItemStatus.ASKED
            )
            asked = set(waiting.values_list("difference", flat=True))
            rows = Approval.objects.using(PRIMARY).filter(pk__in=asked, status__in=_ENDED)
            ended = list(rows.values_list("pk", flat=True))
            released = waiting.filter(difference__in=ended)
            return int(released.update(status=ItemStatus.OPEN, difference=None))

    return database.run_retrying(body, database.INTERACTIVE, operation="release_items")
