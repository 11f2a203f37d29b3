"""Names of the clients whose books these are. The books know numbers only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from django.conf import settings
from django.utils.module_loading import import_string


def names_of(clients: Collection[int]) -> Mapping[int, str]:
    """Ask the function that the settings name; clients that it does not know are left out."""
    find: Callable[[Collection[int]], Mapping[int, str]] = import_string(settings.CLIENT_NAMES)
    return find(clients)
