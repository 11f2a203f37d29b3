"""The published language: what an event looks like to those who read it from Kafka.

CloudEvents 1.0 in binary mode: attributes travel as `ce_*` headers, the value is the JSON of one
of the classes below. Amounts are decimal strings in the event's currency. A fact tells the numbers
of its own wallet only, and no personal text.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from wallet_project.kit.clock import rfc3339

SPEC_VERSION: Final = "1.0"
CONTENT_TYPE: Final = "application/json"


class WalletFact(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=False):
    """Something that happened to a wallet, with the wallet's numbers after it."""

    wallet_id: str
    sequence: int
    """The wallet's version after the fact: 1, 2, 3 … without a gap."""
    currency: str
    balance: str
    held: str
    available: str
    status: str
    occurred_at: str


class MoneyMoved(WalletFact, frozen=True, kw_only=True, rename="camel"):
    """A fact with an amount: deposited, withdrawn, transfer_sent, transfer_received."""

    transaction_id: str
    amount: str
    """Always positive; the type says which way it went."""
    reference_id: str | None
    """The caller's own text."""


CREATED: Final = "wallet.created.v1"
UPDATED: Final = "wallet.updated.v1"
FROZEN: Final = "wallet.frozen.v1"
UNFROZEN: Final = "wallet.unfrozen.v1"
CLOSED: Final = "wallet.closed.v1"
DEPOSITED: Final = "wallet.deposited.v1"
WITHDRAWN: Final = "wallet.withdrawn.v1"
TRANSFER_SENT: Final = "wallet.transfer_sent.v1"
TRANSFER_RECEIVED: Final = "wallet.transfer_received.v1"

TYPES: Final[dict[str, type[WalletFact]]] = {
    CREATED: WalletFact,
    UPDATED: WalletFact,
    FROZEN: WalletFact,
    UNFROZEN: WalletFact,
    CLOSED: WalletFact,
    DEPOSITED: MoneyMoved,
    WITHDRAWN: MoneyMoved,
    TRANSFER_SENT: MoneyMoved,
    TRANSFER_RECEIVED: MoneyMoved,
}
"""Every event type and the class of its value; a new meaning is a new version of the type."""

_encoder = msgspec.json.Encoder()


def encode(fact: WalletFact) -> bytes:
    """Freeze a fact into the bytes that every reader will ever see."""
    return _encoder.encode(fact)


def headers(
    *, event_id: UUID, type_: str, stream: UUID, entry: UUID | None, occurred_at: datetime
) -> list[tuple[str, bytes]]:
    """Make the CloudEvents attributes of an event as Kafka headers (binary content mode)."""
    attributes = {
        "content-type": CONTENT_TYPE,
        "ce_specversion": SPEC_VERSION,
        "ce_id": str(event_id),
        "ce_source": f"/wallets/{stream}",
        "ce_type": type_,
        "ce_time": rfc3339(occurred_at),
    }
    if entry is not None:
        attributes["ce_subject"] = str(entry)
    return [(name, value.encode()) for name, value in attributes.items()]
