"""Names of clients, for apps that know only their numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from wallet_project.kit.database import PRIMARY
from wallets.models import Client

CHOICES_MAX: Final = 500
"""More are not offered in a list; a name can still be typed in an address."""


def choices() -> list[tuple[int, str]]:
    """List clients by name, to choose among."""
    rows = Client.objects.using(PRIMARY).order_by("name")
    return list(rows.values_list("pk", "name")[:CHOICES_MAX])


def number_of(name: str) -> int | None:
    """Find a client's number by its name; None where nobody is called so."""
    rows = Client.objects.using(PRIMARY).filter(name=name)
    return rows.values_list("pk", flat=True).first()


def by_number(clients: Collection[int]) -> Mapping[int, str]:
    """Find the names of these clients; numbers of nobody are left out."""
    rows = Client.objects.using(PRIMARY).filter(pk__in=list(clients))
    return dict(rows.values_list("pk", "name"))
