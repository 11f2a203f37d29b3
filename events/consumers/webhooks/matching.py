"""Which events an endpoint wants: pure, no database."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import msgspec

from events.consumer import Event
from events.errors import Undecodable
from wallet_project.kit.errors import Invalid
from wallet_project.kit.money import parse_amount


@dataclass(frozen=True, slots=True)
class Filters:
    """What an event must be like; what is empty or None takes any."""

    event_types: Collection[str] = ()
    wallets: Collection[str] = ()
    currency: str = ""
    minimum_amount: int | None = None
    maximum_amount: int | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What filters look at."""

    type: str
    wallet: str
    currency: str
    amount: int | None
    """Minor units; None where no money moved."""
    time: datetime


class _Fact(msgspec.Struct, rename="camel"):
    """The few fields of a fact that filters look at, whatever type it has."""

    currency: str
    amount: str | None = None


_decoder = msgspec.json.Decoder(_Fact)


def read(event: Event) -> Told:
    """Read what filters look at.

    :raises Undecodable: if the value is no fact about a wallet.
    """
    try:
        fact = _decoder.decode(event.value)
        amount = None if fact.amount is None else parse_amount(fact.amount, fact.currency)
    except (msgspec.DecodeError, UnicodeDecodeError, Invalid) as error:
        raise Undecodable(f"The value is no fact: {error}") from error
    return Told(event.type, str(event.stream), fact.currency, amount, event.time)


def matches(filters: Filters, told: Told) -> bool:
    """Tell whether an event passes every filter."""
    if filters.event_types and told.type not in filters.event_types:
        return False
    if filters.wallets and told.wallet not in filters.wallets:
        return False
    if filters.currency and told.currency != filters.currency:
        return False
    if filters.minimum_amount is None and filters.maximum_amount is None:
        return True
    if told.amount is None:
        return False
    least = told.amount if filters.minimum_amount is None else filters.minimum_amount
    most = told.amount if filters.maximum_amount is None else filters.maximum_amount
    return least <= told.amount <= most
