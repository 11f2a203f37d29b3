"""Finds wallets by their names, or by how these begin.

Each name is looked up by itself, along the index that has it: asked for one name or another, in the
order of ids, MySQL would rather walk through the whole table backwards.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

from wallet_project.kit.database import PRIMARY
from wallets.models import Wallet

FOUND_MAX: Final = 200
"""How many are found by each, in the order of clients and names."""


def named(clients: Collection[int], text: str) -> list[UUID]:
    """Find wallets of these clients whose reference or user id is a text."""
    by_reference = _found(clients, "reference", reference=text)
    return by_reference + _found(clients, "user_id", user_id=text)


def beginning_with(clients: Collection[int], text: str) -> list[UUID]:
    """Find wallets of these clients whose reference or user id begins with a text.

    Names are compared by their bytes, so of each client all that begin so stand beside each other.
    """
    end = _after(text)
    if not text or not end:
        return []
    by_reference = _found(clients, "reference", reference__gte=text, reference__lt=end)
    return by_reference + _found(clients, "user_id", user_id__gte=text, user_id__lt=end)


def _found(clients: Collection[int], column: str, **wanted: str) -> list[UUID]:
    rows = Wallet.objects.using(PRIMARY).filter(client__in=list(clients), **wanted)
    return list(rows.order_by("client", column).values_list("pk", flat=True)[:FOUND_MAX])


def _after(text: str) -> str:
    """Return the first text behind all that begin with this one; nothing where there is none."""
    for place in range(len(text) - 1, -1, -1):
        code = ord(text[place]) + 1
        if code == 0xD800:
            code = 0xE000  # what lies between is no character
        if code <= 0x10FFFF:
            return text[:place] + chr(code)
    return ""
