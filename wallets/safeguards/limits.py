"""Limits on what leaves a wallet: pure rules over numbers that were read under its lock.

Days and months are UTC's, by the clock of the primary. What is set aside counts when it is set
aside, and is not given back when it is released: a limit is about what was tried to be taken out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from wallet_project.kit.clock import rfc3339
from wallet_project.kit.money import format_minor
from wallets import errors

_CURRENCY_BITS: Final = 24


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may leave; minor units. None: as much as one likes."""

    per_operation: int | None = None
    per_day: int | None = None
    per_month: int | None = None
    count_per_day: int | None = None

    def over(self, default: Bounds) -> Bounds:
        """Put these before the client's: where this one says nothing, that one does."""
        return Bounds(
            _first(self.per_operation, default.per_operation),
            _first(self.per_day, default.per_day),
            _first(self.per_month, default.per_month),
            _first(self.count_per_day, default.count_per_day),
        )


NO_BOUNDS: Final = Bounds()


@dataclass(frozen=True, slots=True)
class Use:
    """What has left on a day and in its month."""

    day: date
    day_amount: int = 0
    day_count: int = 0
    month_amount: int = 0

    def on(self, today: date) -> Use:
        """Tell what counts on a day. A clock that was set back does not open a day again."""
        if today <= self.day:
            return self
        same_month = (today.year, today.month) == (self.day.year, self.day.month)
        return Use(today, month_amount=self.month_amount if same_month else 0)

    def plus(self, amount: int) -> Use:
        """Add what leaves."""
        return Use(
            self.day, self.day_amount + amount, self.day_count + 1, self.month_amount + amount
        )

    @property
    def month(self) -> date:
        """Return the first day of the month."""
        return self.day.replace(day=1)

    @property
    def day_ends(self) -> datetime:
        """Tell when the day's limits are whole again."""
        return _midnight(self.day + timedelta(days=1))

    @property
    def month_ends(self) -> datetime:
        """Tell when the month's limit is whole again."""
        return _midnight((self.month + timedelta(days=32)).replace(day=1))


@dataclass(frozen=True, slots=True)
class Window:
    """One limit, for showing: minor units, but for a count."""

    name: str
    limit: int
    used: int
    resets_at: datetime | None
    is_amount: bool = True


def windows(bounds: Bounds, use: Use) -> list[Window]:
    """List the limits that there are, and how much of each is used."""
    found = [
        ("operation", bounds.per_operation, 0, None, True),
        ("day", bounds.per_day, use.day_amount, use.day_ends, True),
        ("month", bounds.per_month, use.month_amount, use.month_ends, True),
        ("count", bounds.count_per_day, use.day_count, use.day_ends, False),
    ]
    return [
        Window(name, limit, used, resets_at, is_amount)
        for name, limit, used, resets_at, is_amount in found
        if limit is not None
    ]


def refuse(bounds: Bounds, use: Use, amount: int, currency: str) -> errors.LimitExceeded | None:
    """Tell which limit this amount would break, or None when it fits into all."""
    for window in windows(bounds, use):
        if window.used + (amount if window.is_amount else 1) > window.limit:
            return _refusal(window, amount, currency)
    return None


def default_scope(client: int, currency: str) -> UUID:
    """Name the default of a client's wallets of a currency; no wallet has such an id."""
    return UUID(int=(client << _CURRENCY_BITS) | int.from_bytes(currency.encode("ascii")))


def _refusal(window: Window, amount: int, currency: str) -> errors.LimitExceeded:
    facts: dict[str, Any] = {
        "window": window.name,
        "limit": window.limit,
        "resetAt": None if window.resets_at is None else rfc3339(window.resets_at),
    }
    if not window.is_amount:
        detail = f"Only {window.limit} movements out of the wallet are allowed in a day."
    else:
        facts |= {"left": max(0, window.limit - window.used), "currency": currency}
        detail = (
            f"The limit of the wallet is {format_minor(window.limit, currency)} {currency} "
            f"{_PER[window.name]}, of which {format_minor(window.used, currency)} is used; "
            f"{format_minor(amount, currency)} is asked for."
        )
    return errors.LimitExceeded(
        f"{detail} The refusal is final for this key; another try takes a new one.", **facts
    )


_PER: Final = {"operation": "for one movement", "day": "a day", "month": "a month"}


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _first(one: int | None, other: int | None) -> int | None:
    return other if one is None else one
