"""What somebody asks of a report, read from its address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from wallet_project.kit import clock


class BadQuestion(ValueError):
    """A value that cannot be; the text tells which."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose books, and as of when."""

    client: int | None = None
    """None: all clients."""
    at: datetime | None = None
    """None: now."""
    after: int = 0
    """Show clients with higher numbers than this one."""
    as_file: bool = False
    by_value: bool = False
    """By value date, up to the day of `at`; else by the time of posting."""
    moment: datetime = field(default_factory=clock.now)
    """The moment of the report, asked for or not."""

    @property
    def at_text(self) -> str:
        """Write the moment as the field for it does; empty for now."""
        return "" if self.at is None else self.at.strftime("%Y-%m-%dT%H:%M:%S")

    def told(self) -> dict[str, Any]:
        """Return plain values for the audit log."""
        told: dict[str, Any] = {} if self.client is None else {"client": self.client}
        if self.at is not None:
            told["at"] = clock.rfc3339(self.at)
        if self.by_value:
            told["basis"] = "value"
        return told | ({"file": True} if self.as_file else {})


def read(values: Mapping[str, str], number_of: Callable[[str], int]) -> Asked:
    """Read the parameters of a report.

    :param number_of: finds the number of a client in the address, who may stand there by name.

    :raises BadQuestion: if one of them cannot be.
    """
    client = values.get("client", "").strip()
    at = moment(values.get("at", "").strip())
    return Asked(
        client=number_of(client) if client else None,
        at=at,
        after=number(values.get("after", "") or "0", "place in the list"),
        as_file=values.get("format") == "csv",
        by_value=values.get("basis") == "value",
        moment=at or clock.now(),
    )


def moment(text: str) -> datetime | None:
    """Read a moment; without a zone it is UTC, and a day means its end. None for no text.

    :raises BadQuestion: if it is no moment, or one to come.
    """
    if not text:
        return None
    present = clock.now()
    try:
        if len(text) == len("2026-01-01"):
            day = date.fromisoformat(text)
            # A day that is not over is shown as far as it has come.
            end = datetime.combine(day, time.max, UTC)
            found = present if day == present.date() else end
        else:
            found = datetime.fromisoformat(text)
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise BadQuestion(f"{text} is no moment. Write it like 2026-01-31T23:59.") from None
    if found > present:
        raise BadQuestion("That moment has not come yet.")
    return found


def number(text: str, name: str) -> int:
    """Read a number that is in an address.

    :raises BadQuestion: if it is none.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise BadQuestion(f"{text} is no number of a {name}.")
    return int(text)
