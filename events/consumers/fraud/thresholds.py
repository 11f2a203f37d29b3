"""The thresholds of each rule: one class a rule, read strictly from what the database holds.

Amounts are decimals in whole units of the currency that is judged, as finance people write them.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from wallet_project.kit.money import exponent_of

Count = Annotated[int, Meta(ge=2, le=200)]
Percent = Annotated[int, Meta(ge=1, le=100)]
WINDOW_SECONDS_MAX: Final = 7 * 24 * 3600
"""What is older than every window is forgotten, so no rule can ask for more."""
Seconds = Annotated[int, Meta(ge=1, le=WINDOW_SECONDS_MAX)]


class Thresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all thresholds."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, Decimal) and not (value.is_finite() and value > 0):
                raise ValueError(f"{name} must be above zero")

    @property
    def quiet_seconds(self) -> int:
        """Tell for how long the rule says nothing more about a wallet after an alert."""
        return 0


class RapidWithdrawals(Thresholds, frozen=True, kw_only=True):
    """So many withdrawals of a wallet within so many seconds."""

    withdrawals: Count
    window_seconds: Seconds

    @property
    def quiet_seconds(self) -> int:
        """A burst is one alert."""
        return self.window_seconds


class HighValue(Thresholds, frozen=True, kw_only=True):
    """One movement of so much or more."""

    amount: Decimal


class YoungDrain(Thresholds, frozen=True, kw_only=True):
    """A wallet that is not older than this has received so much and has lost so much of it."""

    age_seconds: Seconds
    received: Decimal
    percent: Percent

    @property
    def quiet_seconds(self) -> int:
        """A wallet is young only once."""
        return self.age_seconds


class CircularTransfers(Thresholds, frozen=True, kw_only=True):
    """Money that comes back to the wallet it left after so many transfers."""

    transfers_min: Annotated[int, Meta(ge=2, le=6)]
    transfers_max: Annotated[int, Meta(ge=2, le=6)]
    window_seconds: Seconds
    amount: Decimal
    percent: Percent
    """How much of the largest transfer the smallest has to be."""

    def __post_init__(self) -> None:
        Thresholds.__post_init__(self)
        if self.transfers_min > self.transfers_max:
            raise ValueError("transfers_min must not be above transfers_max")


class ManyToOne(Thresholds, frozen=True, kw_only=True):
    """A wallet that so many others send money to, so much in all, within so many seconds."""

    senders: Count
    window_seconds: Seconds
    amount: Decimal

    @property
    def quiet_seconds(self) -> int:
        """A rush is one alert."""
        return self.window_seconds


SHAPES: Final[dict[str, type[Thresholds]]] = {
    "RAPID_WITHDRAWALS": RapidWithdrawals,
    "HIGH_VALUE": HighValue,
    "YOUNG_DRAIN": YoungDrain,
    "CIRCULAR_TRANSFERS": CircularTransfers,
    "MANY_TO_ONE": ManyToOne,
}


def read(rule: str, sent: Mapping[str, Any]) -> Thresholds:
    """Read a rule's thresholds.

    :raises msgspec.ValidationError: naming the field that cannot be one.
    """
    if rule not in SHAPES:
        raise msgspec.ValidationError("there is no such rule")
    return msgspec.convert(sent, SHAPES[rule])


def minor(amount: Decimal, currency: str) -> int:
    """Turn an amount of a threshold into minor units of a currency."""
    return int(amount.scaleb(exponent_of(currency)))
