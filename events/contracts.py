"""The published language: what an event looks like to those who read it from Kafka.

CloudEvents 1.0 in binary mode: attributes travel as `ce_*` headers, the value is the JSON of one
of the classes below. Amounts are decimal strings in the event's currency. A fact tells the numbers
of its own wallet only, and no personal text.

These classes are the one source of the JSON Schemas in `docs/events` (`events/schemas.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec

from wallet_project.kit.clock import rfc3339

SPEC_VERSION: Final = "1.0"
CONTENT_TYPE: Final = "application/json"


def _text(description: str, **schema: Any) -> msgspec.Meta:
    return msgspec.Meta(description=description, extra_json_schema=schema)


_UUID: Final = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TIME: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$"
_DECIMAL: Final = r"[0-9]+(\.[0-9]+)?"
_UNIT: Final = "a decimal string with exactly the currency's decimals"

WalletId = Annotated[str, _text("The wallet's UUID.", pattern=f"^{_UUID}$")]
TransactionId = Annotated[
    str, _text("The journal entry's UUID, `transactionId` of the API.", pattern=f"^{_UUID}$")
]
Currency = Annotated[str, _text("The wallet's ISO 4217 code.", pattern="^[A-Z]{3}$")]
Status = Annotated[
    str, _text("The wallet's status after the fact.", enum=["ACTIVE", "FROZEN", "CLOSED"])
]
Moment = Annotated[
    str,
    _text("When it happened: RFC 3339, UTC, microseconds.", format="date-time", pattern=_TIME),
]
Sequence = Annotated[
    int,
    msgspec.Meta(ge=1, description="The wallet's version after the fact: 1, 2, 3 … without a gap."),
]
Balance = Annotated[
    str, _text(f"The wallet's balance after the fact: {_UNIT}.", pattern=f"^-?{_DECIMAL}$")
]
Available = Annotated[
    str,
    _text(
        f"What may leave the wallet after the fact, overdraft included: {_UNIT}.",
        pattern=f"^-?{_DECIMAL}$",
    ),
]
Held = Annotated[
    str, _text(f"What is set aside by holds after the fact: {_UNIT}.", pattern=f"^{_DECIMAL}$")
]
Amount = Annotated[
    str,
    _text(
        f"What was moved: {_UNIT}. Always above zero; the type says which way it went.",
        pattern=rf"^(?=.*[1-9]){_DECIMAL}$",
    ),
]
ReferenceId = Annotated[
    str | None, _text("The caller's own text, up to 255 characters; null if none was given.")
]


class WalletFact(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=False):
    """Something that happened to a wallet, with the wallet's numbers after it."""

    wallet_id: WalletId
    sequence: Sequence
    currency: Currency
    balance: Balance
    held: Held
    available: Available
    status: Status
    occurred_at: Moment


class MoneyMoved(WalletFact, frozen=True, kw_only=True, rename="camel"):
    """A fact with an amount: deposited, withdrawn, transfer_sent, transfer_received."""

    transaction_id: TransactionId
    amount: Amount
    reference_id: ReferenceId


class Attributes(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename={
        "content_type": "content-type",
        "specversion": "ce_specversion",
        "id": "ce_id",
        "source": "ce_source",
        "type": "ce_type",
        "time": "ce_time",
        "subject": "ce_subject",
    },
):
    """The CloudEvents attributes of an event, as headers of its Kafka record in UTF-8."""

    content_type: Annotated[str, _text("The value is JSON.", const=CONTENT_TYPE)]
    specversion: Annotated[str, _text("CloudEvents 1.0.", const=SPEC_VERSION)]
    id: Annotated[
        str, _text("The event's UUID; a repeat has the same. Dedupe by it.", pattern=f"^{_UUID}$")
    ]
    source: Annotated[str, _text("The wallet.", pattern=f"^/wallets/{_UUID}$")]
    type: Annotated[
        str,
        _text("What happened; names the value's schema.", pattern=r"^wallet\.[a-z_]+\.v[0-9]+$"),
    ]
    time: Moment
    subject: (
        Annotated[str, _text("The journal entry's UUID, where money moved.", pattern=f"^{_UUID}$")]
        | msgspec.UnsetType
    ) = msgspec.UNSET


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
    attributes = Attributes(
        content_type=CONTENT_TYPE,
        specversion=SPEC_VERSION,
        id=str(event_id),
        source=f"/wallets/{stream}",
        type=type_,
        time=rfc3339(occurred_at),
        subject=msgspec.UNSET if entry is None else str(entry),
    )
    told: dict[str, str] = msgspec.to_builtins(attributes)
    return [(name, value.encode()) for name, value in told.items()]
