"""Say from which addresses an API key may be used."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from wallet_project.kit import audit, database
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import PRIMARY
from wallets import errors
from wallets.models import ApiKey
from wallets.operations import _keys


def limit_key(*, prefix: str, networks: Collection[str], by: Actor, reason: str) -> tuple[str, ...]:
    """Let a key be used from these networks alone; none: from anywhere. Return them as kept.

    Every process knows of it within `credentials.KEPT_SECONDS`.

    :raises FieldInvalid: if a network cannot be read, or there are too many.
    :raises KeyNotFound: if there is no key of this prefix.
    :raises KeyEnded: if it is revoked.
    """
    chosen = _keys.check_networks(networks)

    def body() -> tuple[str, ...]:
        with transaction.atomic(using=PRIMARY, durable=True):
            key = _keys.lock(prefix)
            if key.revoked_at is not None:
                raise errors.KeyEnded(f"The key was revoked on {key.revoked_at:%Y-%m-%d}.")
            ApiKey.objects.using(PRIMARY).filter(pk=key.pk).update(networks=list(chosen))
            detail = {"client": key.client_id, "before": key.networks or [], "after": list(chosen)}
            audit.record(by, Act("apikey.limit", "wallets.apikey", key.prefix, reason, detail))
            return chosen

    return database.run_retrying(body, database.INTERACTIVE)
