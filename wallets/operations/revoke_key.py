"""End an API key at once."""

from __future__ import annotations

from django.db import transaction

from wallet_project.kit import audit, clock, database
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import PRIMARY
from wallets import errors
from wallets.models import ApiKey
from wallets.operations import _keys


def revoke_key(*, prefix: str, by: Actor, reason: str) -> None:
    """Revoke a key for good. Every process refuses it within `credentials.KEPT_SECONDS`.

    :raises KeyNotFound: if there is no key of this prefix.
    :raises KeyEnded: if it is revoked already.
    """

    def body() -> None:
        with transaction.atomic(using=PRIMARY, durable=True):
            key = _keys.lock(prefix)
            if key.revoked_at is not None:
                raise errors.KeyEnded(f"The key was revoked on {key.revoked_at:%Y-%m-%d}.")
            ApiKey.objects.using(PRIMARY).filter(pk=key.pk).update(revoked_at=clock.now())
            detail = {"client": key.client_id}
            audit.record(by, Act("apikey.revoke", "wallets.apikey", key.prefix, reason, detail))

    database.run_retrying(body, database.INTERACTIVE)
