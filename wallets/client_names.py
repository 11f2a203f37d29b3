"""Names of clients, for apps that know only their numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from wallet_project.kit.database import PRIMARY
from wallets.models import Client


def by_number(clients: Collection[int]) -> Mapping[int, str]:
    """Find the names of these clients; numbers of nobody are left out."""
    rows = Client.objects.using(PRIMARY).filter(pk__in=list(clients))
    return dict(rows.values_list("pk", "name"))
