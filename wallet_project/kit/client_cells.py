"""Clients by name in lists whose rows have their numbers; a page asks for its names at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString

from wallet_project.kit.admin import NOTHING
from wallet_project.kit.links import row_link


def names_of(clients: Collection[int]) -> Mapping[int, str]:
    """Ask the function that the settings name; clients that it does not know are left out."""
    find: Callable[[Collection[int]], Mapping[int, str]] = import_string(settings.CLIENT_NAMES)
    return find(clients)


def client_name(row: Any) -> str:
    """Name a row's client; by number where nobody knows him by name."""
    names = getattr(row, "client_names", None)
    known = names_of([row.client]) if names is None else names
    return known.get(row.client) or str(row.client)


def client_cell(row: Any) -> SafeString | str:
    """Link to a row's client by name; a dash where it has none."""
    if not row.client:
        return NOTHING
    return row_link("wallets.client", row.client, client_name(row))


class NamesClients:
    """An admin whose rows belong to clients."""

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Read the names of the clients on a page."""
        changes = super().get_changelist_instance(request)  # type: ignore[misc]
        rows = list(changes.result_list)
        names = names_of({row.client for row in rows if row.client is not None}) if rows else {}
        for row in rows:
            row.client_names = names
        return changes
