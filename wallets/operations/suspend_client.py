"""Turn a client away, with all its keys, and let it in again."""

from __future__ import annotations

from django.db import transaction

from wallet_project.kit import audit, database
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import PRIMARY
from wallets import errors
from wallets.models import Client
from wallets.operations.create_client import lock_client


def suspend_client(*, name: str, by: Actor, reason: str) -> None:
    """Refuse every call of a client. Its money stays where it is, and its events flow.

    :raises ClientNotFound: if there is no such client.
    :raises ClientUnchanged: if it is suspended already.
    """
    _switch(name, active=False, by=by, reason=reason)


def activate_client(*, name: str, by: Actor, reason: str) -> None:
    """Take calls of a client again, by every key that was valid before.

    :raises ClientNotFound: if there is no such client.
    :raises ClientUnchanged: if it is active already.
    """
    _switch(name, active=True, by=by, reason=reason)


def _switch(name: str, *, active: bool, by: Actor, reason: str) -> None:
    def body() -> None:
        with transaction.atomic(using=PRIMARY, durable=True):
            client = lock_client(name)
            if client.is_active is active:
                state = "active" if active else "suspended"
                raise errors.ClientUnchanged(f"{name} is {state} already.")
            Client.objects.using(PRIMARY).filter(pk=client.pk).update(is_active=active)
            action = "client.activate" if active else "client.suspend"
            detail = {"name": name}
            audit.record(by, Act(action, "wallets.client", str(client.pk), reason, detail))

    database.run_retrying(body, database.INTERACTIVE)
