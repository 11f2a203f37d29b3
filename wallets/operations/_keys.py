"""The row of an API key, for the verbs that make or end one."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from wallet_project.kit import clock
from wallet_project.kit.database import PRIMARY
from wallets import credentials, errors
from wallets.models import ApiKey, Client, Scope

BITES_WITHIN_SECONDS: Final = round(credentials.KEPT_SECONDS)
"""How long processes may still believe what they have read about a key or its client."""

NETWORKS_MAX: Final = 50

_PREFIX = re.compile(r"[a-z0-9]{12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A client and the key just made for it. The key is not stored and cannot be shown again."""

    client: int
    name: str
    plan: str
    scopes: tuple[str, ...]
    prefix: str
    key: str
    expires_at: datetime | None = None


def insert(
    client: Client,
    scopes: tuple[str, ...],
    *,
    prefix: str = "",
    expires_at: datetime | None = None,
    networks: tuple[str, ...] = (),
) -> Admitted:
    """Make a key in the caller's transaction.

    :param prefix: one that `credentials.make_key` made before; so that what is sent twice makes
        one key, and the second try is told so.
    :raises FieldInvalid: if the prefix cannot be one, or the key would be over already.
    :raises KeyShown: if there is a key of this prefix.
    """
    moment = clock.now()
    if expires_at is not None and expires_at <= moment:
        raise errors.FieldInvalid("It must be later than now.", field="expires_at")
    if prefix:
        _check_prefix(prefix)
    made, key = credentials.make_key(prefix)
    ApiKey.objects.using(PRIMARY).create(
        client=client,
        prefix=made,
        secret_digest=credentials.digest_of(key.partition(".")[2]),
        scopes=list(scopes),
        created_at=moment,
        expires_at=expires_at,
        networks=list(networks),
    )
    return Admitted(client.pk, client.name, client.plan.name, scopes, made, key, expires_at)


def lock(prefix: str) -> ApiKey:
    """Return a key, locked to the end of the transaction.

    :raises KeyNotFound: if there is none of this prefix.
    """
    found = ApiKey.objects.using(PRIMARY).select_for_update().filter(prefix=prefix).first()
    if found is None:
        raise errors.KeyNotFound(f"There is no API key {prefix}.", field="prefix")
    return found


def check_scopes(scopes: Collection[str] | None) -> tuple[str, ...]:
    """Put scopes into their order; None: all of them.

    :raises FieldInvalid: if there is none, or one that does not exist.
    """
    if scopes is None:
        return tuple(Scope.values)
    unknown = sorted(set(scopes) - set(Scope.values))
    if unknown or not scopes:
        what = f"Unknown scope {', '.join(unknown)}" if unknown else "No scope was given"
        raise errors.FieldInvalid(f"{what}; choose from {', '.join(Scope.values)}.", field="scopes")
    return tuple(scope for scope in Scope.values if scope in scopes)


def check_networks(networks: Collection[str]) -> tuple[str, ...]:
    """Write networks in one way, each once; none: from anywhere.

    :raises FieldInvalid: if one cannot be read, or there are too many.
    """
    if len(networks) > NETWORKS_MAX:
        raise errors.FieldInvalid(f"At most {NETWORKS_MAX} networks.", field="networks")
    try:
        found = {str(ipaddress.ip_network(network.strip())) for network in networks}
    except ValueError as error:
        raise errors.FieldInvalid(
            f"{error}; write a network as 192.0.2.0/24 and an address as 192.0.2.7.",
            field="networks",
        ) from error
    return tuple(sorted(found))


def _check_prefix(prefix: str) -> None:
    if not _PREFIX.fullmatch(prefix):
        raise errors.FieldInvalid("A prefix has 12 characters of a-z and 0-9.", field="prefix")
    if ApiKey.objects.using(PRIMARY).filter(prefix=prefix).exists():
        raise errors.KeyShown("This key was made and shown already; it is not shown again.")
