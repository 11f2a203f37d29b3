"""What payouts need of a payment gateway, whichever it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID


class GatewayAway(Exception):
    """The gateway could not be reached: nothing was sent."""


class OutcomeUnknown(Exception):
    """Something was sent, and no answer came that can be understood: it may have been done."""


@dataclass(frozen=True, slots=True)
class Payment:
    """What the gateway is asked to pay."""

    key: UUID
    """The idempotency key: the gateway pays at most once for it, however often it is sent."""
    amount: str
    """Decimal string with all decimals of the currency."""
    currency: str
    channel: str
    reference: str
    destination: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Paid:
    """The money has left. Final for the key."""

    reference: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The money has not left and will not, under this key. Final for it."""

    reason: str


@dataclass(frozen=True, slots=True)
class InProgress:
    """The gateway has it and has not decided yet."""


@dataclass(frozen=True, slots=True)
class NeverSeen:
    """The gateway knows nothing of the key; it may still be on its way."""


Said = Paid | Declined | InProgress


class Gateway(Protocol):
    """A payment gateway. Both calls may raise `GatewayAway` and `OutcomeUnknown`."""

    def pay(self, payment: Payment) -> Said:
        """Ask it to pay; safe to repeat with the same key."""
        ...

    def find(self, key: UUID) -> Said | NeverSeen:
        """Ask what it knows of a key."""
        ...
