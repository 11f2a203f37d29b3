"""Names of the clients whose books these are. The books know numbers only."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.utils.module_loading import import_string

from ledger.admin.asked import BadQuestion, number
from wallet_project.kit.client_cells import names_of as names_of


def choices() -> list[tuple[int, str]]:
    """List clients by name, to choose among, by the function that the settings name."""
    find: Callable[[], list[tuple[int, str]]] = import_string(settings.CLIENT_CHOICES)
    return find()


def number_of(text: str) -> int:
    """Read a client from an address, where he stands by number or by name.

    :raises BadQuestion: if there is none of this name.
    """
    if text.isascii() and text.isdigit():
        return number(text, "client")
    find: Callable[[str], int | None] = import_string(settings.CLIENT_NUMBER)
    found = find(text)
    if found is None:
        raise BadQuestion(f"There is no client {text}.")
    return found
