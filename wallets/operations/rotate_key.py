"""Exchange an API key for a new one without a gap."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction

from wallet_project.kit import audit, clock, database
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import PRIMARY
from wallets import errors
from wallets.models import ApiKey
from wallets.operations import _keys
from wallets.operations._keys import Admitted

OVERLAP_HOURS: Final = 24
OVERLAP_HOURS_MAX: Final = 24 * 90


def rotate_key(
    *,
    prefix: str,
    by: Actor,
    reason: str,
    overlap_hours: int = OVERLAP_HOURS,
    new_prefix: str = "",
) -> Admitted:
    """Make a key that may do what another one may; that one ends when the overlap is over.

    It may be used from where that one may.
    The new key has no expiry: the old one's is what rotating is for.

    :param new_prefix: of the key to be made; a second try with it is turned down.
    :raises FieldInvalid: if the overlap cannot be.
    :raises KeyNotFound: if there is no key of this prefix.
    :raises KeyEnded: if it is revoked or over.
    :raises KeyShown: if there is a key of the new prefix.
    """
    if not 0 <= overlap_hours <= OVERLAP_HOURS_MAX:
        raise errors.FieldInvalid(
            f"The overlap is 0 to {OVERLAP_HOURS_MAX} hours.", field="overlap_hours"
        )

    def body() -> Admitted:
        with transaction.atomic(using=PRIMARY, durable=True):
            old = _keys.lock(prefix)
            moment = clock.now()
            over = old.expires_at is not None and old.expires_at <= moment
            # A repeat is told that the new key was shown, whatever became of the old one.
            made = _keys.insert(
                old.client, tuple(old.scopes), prefix=new_prefix, networks=tuple(old.networks or ())
            )
            if old.revoked_at is not None or over:
                raise errors.KeyEnded("The key is not valid any more; make a new one.")
            ends_at = moment + timedelta(hours=overlap_hours)
            if old.expires_at is not None:
                ends_at = min(ends_at, old.expires_at)
            ApiKey.objects.using(PRIMARY).filter(pk=old.pk).update(expires_at=ends_at)
            detail = {"client": old.client_id, "new_prefix": made.prefix, "ends_at": f"{ends_at}"}
            audit.record(by, Act("apikey.rotate", "wallets.apikey", old.prefix, reason, detail))
            return made

    return database.run_retrying(body, database.INTERACTIVE)
