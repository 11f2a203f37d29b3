"""Admit a client: its row and its first API key."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from wallet_project.kit import clock, database
from wallet_project.kit.database import PRIMARY
from wallets import credentials, errors
from wallets.models import ApiKey, Client, Plan, Scope

DEFAULT_PLAN: Final = "default"

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A client and the key just made for it. The key is not stored and cannot be shown again."""

    client: int
    name: str
    plan: str
    scopes: tuple[str, ...]
    prefix: str
    key: str


def create_client(
    *, name: str, scopes: Collection[str] | None = None, plan: str = DEFAULT_PLAN
) -> Admitted:
    """Make a client and its first key; without scopes the key may do everything.

    :raises FieldInvalid: if name, scopes or plan cannot be.
    :raises ClientExists: if there is a client of that name.
    """
    _check_name(name)
    chosen = _check_scopes(scopes)
    return database.run_retrying(lambda: _create(name, chosen, plan), database.INTERACTIVE)


def add_key(*, name: str, scopes: Collection[str] | None = None) -> Admitted:
    """Make one more key for a client, so that keys can be exchanged without a gap.

    :raises FieldInvalid: if the scopes cannot be.
    :raises ClientNotFound: if there is no such client.
    """
    chosen = _check_scopes(scopes)
    return database.run_retrying(lambda: _add_key(name, chosen), database.INTERACTIVE)


def _create(name: str, scopes: tuple[str, ...], plan: str) -> Admitted:
    with transaction.atomic(using=PRIMARY, durable=True):
        if Client.objects.using(PRIMARY).filter(name=name).exists():
            raise errors.ClientExists(f"There is a client {name} already.", field="name")
        client = Client.objects.using(PRIMARY).create(
            name=name, plan=_plan(plan), created_at=clock.now()
        )
        return _key_for(client, scopes)


def _add_key(name: str, scopes: tuple[str, ...]) -> Admitted:
    with transaction.atomic(using=PRIMARY, durable=True):
        found = Client.objects.using(PRIMARY).select_related("plan").filter(name=name).first()
        if found is None:
            raise errors.ClientNotFound(f"There is no client {name}.", field="name")
        return _key_for(found, scopes)


def _key_for(client: Client, scopes: tuple[str, ...]) -> Admitted:
    prefix, key = credentials.make_key()
    ApiKey.objects.using(PRIMARY).create(
        client=client,
        prefix=prefix,
        secret_digest=credentials.digest_of(key.partition(".")[2]),
        scopes=list(scopes),
        created_at=clock.now(),
    )
    return Admitted(client.pk, client.name, client.plan.name, scopes, prefix, key)


def _plan(name: str) -> Plan:
    plans = {plan.name: plan for plan in Plan.objects.using(PRIMARY).order_by("name")}
    if name not in plans:
        raise errors.FieldInvalid(
            f"There is no plan {name}; choose one of {', '.join(plans)}.", field="plan"
        )
    return plans[name]


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise errors.FieldInvalid(
            "A client's name has 1 to 40 characters of a-z, 0-9 and -, and neither starts nor "
            "ends with -.",
            field="name",
        )


def _check_scopes(scopes: Collection[str] | None) -> tuple[str, ...]:
    if scopes is None:
        return tuple(Scope.values)
    unknown = sorted(set(scopes) - set(Scope.values))
    if unknown or not scopes:
        what = f"Unknown scope {', '.join(unknown)}" if unknown else "No scope was given"
        raise errors.FieldInvalid(f"{what}; choose from {', '.join(Scope.values)}.", field="scopes")
    return tuple(scope for scope in Scope.values if scope in scopes)
