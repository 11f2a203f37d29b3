"""Set what may leave a wallet, or any wallet of a client."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from django.db import transaction

from wallet_project.kit import audit, clock, database
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.money import LARGEST_MINOR
from wallets import errors
from wallets.limit_queries import bounds_of
from wallets.safeguards import limits
from wallets.safeguards.limits import NO_BOUNDS, Bounds
from wallets.safeguards.models import Limit


def set_limits(
    *, client: int, wallet: UUID | None, currency: str, bounds: Bounds, by: Actor, reason: str
) -> Bounds:
    """Put these limits (minor units) in place of those that there are; return the former ones.

    Without a wallet they are the default of the client's wallets of the currency. Bounds that say
    nothing take the limits away. They hold for whatever is decided on from then on.

    :raises FieldInvalid: if a limit is below zero or beyond what the books can hold.
    """
    for name, value in asdict(bounds).items():
        if value is not None and not 0 <= value <= LARGEST_MINOR:
            raise errors.FieldInvalid(f"It must lie between 0 and {LARGEST_MINOR}.", field=name)
    scope = wallet or limits.default_scope(client, currency)

    def body() -> Bounds:
        with transaction.atomic(using=PRIMARY):
            rows = Limit.objects.using(PRIMARY).select_for_update().filter(pk=scope)
            row = rows.first()
            former = NO_BOUNDS if row is None else bounds_of(row)
            if bounds == NO_BOUNDS:
                rows.delete()
            else:
                values = asdict(bounds) | {
                    "client": client,
                    "wallet": wallet,
                    "currency": currency,
                    "changed_at": clock.now(),
                }
                Limit.objects.using(PRIMARY).update_or_create(pk=scope, defaults=values)
            subject_type = "wallets.wallet" if wallet else "wallets.client"
            detail = {"before": asdict(former), "after": asdict(bounds), "currency": currency}
            subject = str(wallet or client)
            audit.record(by, Act("limits.set", subject_type, subject, reason, detail))
            return former

    return database.run_retrying(body, database.INTERACTIVE, operation="set_limits")
