"""What is told on the topic of fraud alerts. Key of every message: the wallet."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from events.errors import Undecodable

ALERT_RAISED: Final = "fraud.alert_raised.v1"
UNFREEZE_REQUESTED: Final = "fraud.unfreeze_requested.v1"


class AlertRaised(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A rule was met; `action` is what the rule asks for: REVIEW, NOTIFY or FREEZE."""

    alert_id: int
    rule: str
    action: str
    wallet_id: str
    currency: str
    triggered_at: str
    events: list[str]
    numbers: dict[str, str | int]


class UnfreezeRequested(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Staff want the wallet of an alert to be unfrozen."""

    alert_id: int
    wallet_id: str
    requested_by: str


M = TypeVar("M", AlertRaised, UnfreezeRequested)

_encoder = msgspec.json.Encoder()


def encode(message: AlertRaised | UnfreezeRequested) -> bytes:
    """Freeze a message into bytes."""
    return _encoder.encode(message)


def decode(shape: type[M], value: bytes) -> M:
    """Read a message.

    :raises Undecodable: if the value is none such.
    """
    try:
        return msgspec.json.decode(value, type=shape)
    except msgspec.MsgspecError as error:
        raise Undecodable(f"The value is no {shape.__name__}: {error}") from error
