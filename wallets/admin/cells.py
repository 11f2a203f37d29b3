"""What the pages of a wallet are made of: cells, tables of them, links for who may follow them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest
from django.urls import reverse

from wallet_project.kit.admin import NOTHING, money

_YEARS: Final = "Choose a year from 1970 to 2200."
IN_OUR_TIME: Final = (
    MinValueValidator(datetime(1970, 1, 1, tzinfo=UTC), _YEARS),
    MaxValueValidator(datetime(2200, 12, 31, 23, 59, 59, tzinfo=UTC), _YEARS),
)
"""What a moment typed must keep to: a little before the first moment there is, there is none."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table."""

    text: str
    url: str = ""
    is_amount: bool = False
    tone: str = ""
    """A colour of the theme: the text is shown as a label."""
    hint: str = ""
    """A second line, smaller."""
    hint_url: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column."""

    title: str
    is_amount: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A table with a name, and what to say where it has no rows."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    empty: str
    more: str = ""
    """Where all of them are."""


class Links:
    """Addresses of other pages, as far as this person may open them; else nothing."""

    def __init__(self, request: HttpRequest) -> None:
        self._user = request.user

    def may(self, permission: str) -> bool:
        """Tell whether the person has a right, such as `wallets.view_hold`."""
        return bool(self._user.has_perm(permission))

    def row(self, app: str, model: str, key: Any) -> str:
        """Return the address of a row's page."""
        if key is None or not self.may(f"{app}.view_{model}"):
            return ""
        return reverse(f"admin:{app}_{model}_change", args=[key])

    def list(self, app: str, model: str, **asked: str) -> str:
        """Return the address of a list with what is searched in it."""
        if not self.may(f"{app}.view_{model}"):
            return ""
        return f"{reverse(f'admin:{app}_{model}_changelist')}?{urlencode(asked)}"

    def entry(self, entry: UUID | None) -> str:
        """Return the address of a journal entry's page."""
        return self.row("ledger", "journalentry", entry)

    def event(self, row: int | None) -> str:
        """Return the address of an event's page in the outbox."""
        return self.row("events", "outboxevent", row)


def utc(moment: datetime | None) -> str:
    """Write a moment for people, with its zone: `2026-03-01 09:30:00 UTC`."""
    return NOTHING if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def amount(minor: int | None, currency: str, *, tone: str = "") -> Cell:
    """Make the cell of an amount in minor units."""
    return Cell(money(minor, currency), is_amount=True, tone=tone)


def signed(minor: int, currency: str) -> Cell:
    """Make the cell of a change, with its sign."""
    return Cell(f"{'+' if minor > 0 else ''}{money(minor, currency)}", is_amount=True)


def short(id_: UUID) -> str:
    """Shorten an id where it stands beside others; the link has all of it."""
    return f"…{str(id_)[-12:]}"


def titles(*names: str) -> tuple[Column, ...]:
    """Make columns of their titles; those that end with `#` hold amounts."""
    return tuple(Column(name.rstrip("#"), name.endswith("#")) for name in names)
