"""Have a payout that waits tried at once."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from wallet_project.kit import audit, database
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import PRIMARY
from wallets import errors, sources
from wallets.models import OPEN, Payout, PayoutStatus


def try_payout(*, payout: UUID, by: Actor, reason: str) -> None:
    """Make the next step of a payout due now, whatever step that is; its worker takes it.

    It says nothing of how the payout ends: only the gateway does. A payout that is being sent at
    this moment is left alone.

    :raises PayoutNotFound: if there is none.
    :raises PayoutNotWaiting: if it has ended, is being sent, or is due anyway.
    """

    def body() -> None:
        with transaction.atomic(using=PRIMARY, durable=True):
            rows = Payout.objects.using(PRIMARY).filter(pk=payout)
            row = rows.select_for_update().first()
            if row is None:
                raise errors.PayoutNotFound("The payout does not exist.")
            now = sources.primary_clock()
            due = row.next_attempt_at
            if row.status not in OPEN or row.status == PayoutStatus.SENDING:
                raise errors.PayoutNotWaiting(f"The payout is {row.status.lower()}.")
            if due is None or due <= now:
                raise errors.PayoutNotWaiting("Its next step is due already.")
            rows.update(next_attempt_at=now)
            detail = {"status": row.status, "waited_until": f"{due}", "why": row.reason}
            audit.record(by, Act("payout.try", "wallets.payout", str(payout), reason, detail))

    database.run_retrying(body, database.INTERACTIVE, operation="try_payout")
