"""How people name wallets, clients, people and moments on a command line."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

from django.core.management.base import CommandError

from wallet_project.kit.audit import Actor
from wallet_project.kit.database import PRIMARY
from wallets.approvals import people
from wallets.identity import WalletIdentity, parse_uuid
from wallets.models import Client, Wallet


def client_named(name: str) -> int:
    """Find a client by its name.

    :raises CommandError: if there is none.
    """
    named = Client.objects.using(PRIMARY).filter(name=name)
    found: int | None = named.values_list("pk", flat=True).first()
    if found is None:
        raise CommandError(f"There is no client {name}.")
    return found


def person_named(name: str, command: str) -> Actor:
    """Find who of the staff asks for something; the request says that it came by a command.

    :raises CommandError: if there is no such person.
    """
    found = people.named(name)
    if found is None:
        raise CommandError(f"There is no active staff account {name}.")
    return Actor(id=f"staff:{found.pk}", name=f"{name}, by {command}"[: people.NAME_LENGTH_MAX])


def wallet_named(text: str, client: str | None = None) -> WalletIdentity:
    """Find a wallet by its UUID, or by the reference that a client has given it.

    :raises CommandError: if there is none.
    """
    rows = Wallet.objects.using(PRIMARY)
    if client is not None:
        rows = rows.filter(client_id=client_named(client))
    id_ = parse_uuid(text)
    if id_ is not None:
        rows = rows.filter(pk=id_)
    elif client is not None:
        rows = rows.filter(reference=text)
    else:
        raise CommandError("Name the wallet by its UUID, or say by --client whose reference it is.")
    columns = ("id", "client_id", "client__name", "currency", "reference")
    found = rows.values_list(*columns).first()
    if found is None:
        raise CommandError(f"There is no wallet {text}.")
    return WalletIdentity(*found)


def uuid_of(text: str) -> UUID:
    """Read a UUID.

    :raises CommandError: if it is none.
    """
    found = parse_uuid(text)
    if found is None:
        raise CommandError(f"{text!r} is no UUID.")
    return found


def day_of(text: str | None) -> date | None:
    """Read a day.

    :raises CommandError: if it is none.
    """
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text!r} is no day, such as 2026-01-31.") from None


def moment_of(text: str | None) -> datetime | None:
    """Read a day or a moment; without a zone it is UTC.

    :raises CommandError: if it is neither.
    """
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text!r} is no day or moment, such as 2026-01-31.") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
