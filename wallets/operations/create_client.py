"""Admit a client: its row and its first API key."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from django.db import transaction

from wallet_project.kit import audit, clock, database
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import PRIMARY
from wallets import errors
from wallets.models import Client, Plan
from wallets.operations import _keys
from wallets.operations._keys import Admitted

DEFAULT_PLAN: Final = "default"

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)


def create_client(
    *,
    name: str,
    scopes: Collection[str] | None = None,
    plan: str = DEFAULT_PLAN,
    expires_at: datetime | None = None,
    networks: Collection[str] = (),
    prefix: str = "",
    by: Actor | None = None,
    reason: str = "",
) -> Admitted:
    """Make a client and its first key; without scopes the key may do everything.

    :param networks: from which alone the key may be used; none: from anywhere.
    :param prefix: of the key to be made; a second try with it is turned down.
    :param by: who of the staff, or which command, does it; the audit log says so.
    :raises FieldInvalid: if name, scopes, plan, expiry or networks cannot be.
    :raises ClientExists: if there is a client of that name.
    :raises KeyShown: if there is a key of that prefix.
    """
    _check_name(name)
    chosen = _keys.check_scopes(scopes)
    kept = _keys.check_networks(networks)

    def body() -> Admitted:
        with transaction.atomic(using=PRIMARY, durable=True):
            if Client.objects.using(PRIMARY).filter(name=name).exists():
                raise errors.ClientExists(f"There is a client {name} already.", field="name")
            client = Client.objects.using(PRIMARY).create(
                name=name, plan=find_plan(plan), created_at=clock.now()
            )
            made = _keys.insert(client, chosen, prefix=prefix, expires_at=expires_at, networks=kept)
            detail = {"plan": plan, "prefix": made.prefix, "scopes": list(chosen)}
            _record(by, _act("client.create", client, reason, detail))
            return made

    return database.run_retrying(body, database.INTERACTIVE)


def add_key(
    *,
    name: str,
    scopes: Collection[str] | None = None,
    expires_at: datetime | None = None,
    networks: Collection[str] = (),
    prefix: str = "",
    by: Actor | None = None,
    reason: str = "",
) -> Admitted:
    """Make one more key for a client, so that keys can be exchanged without a gap.

    :param networks: from which alone the key may be used; none: from anywhere.
    :param prefix: of the key to be made; a second try with it is turned down.
    :raises FieldInvalid: if scopes, expiry or networks cannot be.
    :raises ClientNotFound: if there is no such client.
    :raises KeyShown: if there is a key of that prefix.
    """
    chosen = _keys.check_scopes(scopes)
    kept = _keys.check_networks(networks)

    def body() -> Admitted:
        with transaction.atomic(using=PRIMARY, durable=True):
            client = lock_client(name)
            made = _keys.insert(client, chosen, prefix=prefix, expires_at=expires_at, networks=kept)
            detail = {"prefix": made.prefix, "scopes": list(chosen)}
            _record(by, _act("client.add_key", client, reason, detail))
            return made

    return database.run_retrying(body, database.INTERACTIVE)


def lock_client(name: str) -> Client:
    """Return a client, locked to the end of the transaction.

    :raises ClientNotFound: if there is no such client.
    """
    found = Client.objects.using(PRIMARY).select_for_update().filter(name=name).first()
    if found is None:
        raise errors.ClientNotFound(f"There is no client {name}.", field="name")
    return found


def find_plan(name: str) -> Plan:
    """Return a plan.

    :raises FieldInvalid: if there is none of that name.
    """
    plans = {plan.name: plan for plan in Plan.objects.using(PRIMARY).order_by("name")}
    if name not in plans:
        raise errors.FieldInvalid(
            f"There is no plan {name}; choose one of {', '.join(plans)}.", field="plan"
        )
    return plans[name]


def _act(action: str, client: Client, reason: str, detail: Mapping[str, object]) -> Act:
    return Act(action, "wallets.client", str(client.pk), reason, {"name": client.name, **detail})


def _record(by: Actor | None, act: Act) -> None:
    """Tell the audit log; nobody acts where the service makes a client for itself."""
    if by is not None:
        audit.record(by, act)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise errors.FieldInvalid(
            "A client's name has 1 to 40 characters of a-z, 0-9 and -, and neither starts nor "
            "ends with -.",
            field="name",
        )
