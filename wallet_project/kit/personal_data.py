"""Who keeps what about the holder of a wallet: each app says so itself, erasure and export ask.

An app registers its holdings from its `AppConfig`. So the commands that erase and export know no
table of another app, and a new app is asked as soon as it has registered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

ROWS_A_PAGE: Final = 500

Read = Callable[[UUID], Iterator[dict[str, Any]]]
Count = Callable[[UUID], int]
Erase = Callable[[UUID, int], int]


@dataclass(frozen=True, slots=True)
class Holding:
    """Rows of one kind that an app keeps about a wallet."""

    name: str
    """What a row is called in an export and in the counts of an erasure: `hold`, `contact`."""
    read: Read
    """Gives the rows, as plain values by name, a page at a time."""
    count: Count | None = None
    """Tells how many rows have something that `erase` would take."""
    erase: Erase | None = None
    """Takes personal data from so many rows at most, in the caller's transaction; returns how many
    it changed. Fewer than it might: there are no more. None: an erasure leaves the rows."""


_HOLDINGS: Final[dict[str, Holding]] = {}


def register(*holdings: Holding) -> None:
    """Have holdings asked from now on, each under its name."""
    _HOLDINGS.update({holding.name: holding for holding in holdings})


def holdings() -> list[Holding]:
    """List what is kept about a wallet, by name."""
    return [_HOLDINGS[name] for name in sorted(_HOLDINGS)]


def read_pages(
    rows: QuerySet[Any], columns: Sequence[str], *, key: str = "pk"
) -> Iterator[dict[str, Any]]:
    """Read rows as values in the order of a unique column that is one of `columns`."""
    last: Any = None
    while True:
        rest = rows if last is None else rows.filter(**{f"{key}__gt": last})
        page = list(rest.order_by(key).values(*columns)[:ROWS_A_PAGE])
        yield from page
        if len(page) < ROWS_A_PAGE:
            return
        last = page[-1][key]
