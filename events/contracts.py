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

from events.errors import Undecodable
from wallet_project.kit.clock import rfc3339

SPEC_VERSION: Final = "1.0"
CONTENT_TYPE: Final = "application/json"


def _text(description: str, **schema: Any) -> msgspec.Meta:
    return msgspec.Meta(description=description, extra_json_schema=schema)


_UUID: Final = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TIME: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$"
_DECIMAL: Final = r"[0-9]+(\.[0-9]+)?"
_SHA256: Final = "[0-9a-f]{64}"
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

MinorUnits = Annotated[
    str, _text("A whole number of the currency's smallest unit.", pattern="^[0-9]+$")
]
HoldId = Annotated[
    str,
    _text("The hold's UUID; a payout's hold has the payout's.", pattern=f"^{_UUID}$"),
]
ExpiresAt = Annotated[
    str | None,
    _text(
        "From when on the hold does not count any more: RFC 3339, UTC, microseconds; null: never."
    ),
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


class MoneyHeld(WalletFact, frozen=True, kw_only=True, rename="camel"):
    """Money was set aside by a hold."""

    hold_id: HoldId
    amount: Amount
    expires_at: ExpiresAt
    reference_id: ReferenceId


class HoldCaptured(MoneyMoved, frozen=True, kw_only=True, rename="camel"):
    """A hold ended by a capture: `amount` left the wallet, the rest is available again."""

    hold_id: HoldId
    released: Annotated[
        str,
        _text(
            f"What the capture left of the hold, available again: {_UNIT}.",
            pattern=f"^{_DECIMAL}$",
        ),
    ]


class MovementReversed(MoneyMoved, frozen=True, kw_only=True, rename="camel"):
    """A movement was taken back, all of it or a part; tells it of one of its wallets."""

    reverses: Annotated[str, _text("The journal entry that was taken back.", pattern=f"^{_UUID}$")]
    direction: Annotated[
        str,
        _text("Whether `amount` came into the wallet or left it.", enum=["CREDIT", "DEBIT"]),
    ]


class MoneyAdjusted(MoneyMoved, frozen=True, kw_only=True, rename="camel"):
    """The wallet was corrected by hand, against a house account."""

    direction: Annotated[
        str,
        _text("Whether `amount` came into the wallet or left it.", enum=["CREDIT", "DEBIT"]),
    ]


class HoldReleased(WalletFact, frozen=True, kw_only=True, rename="camel"):
    """A hold ended without a capture: all of it is available again."""

    hold_id: HoldId
    amount: Amount
    reason: Annotated[str, _text("Why the hold ended.", enum=["VOIDED", "EXPIRED"])]
    reference_id: ReferenceId


class PayoutTold(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What every message about a payout tells; it is no step of its wallet's."""

    payout_id: Annotated[
        str, _text("The payout's UUID; its hold has the same.", pattern=f"^{_UUID}$")
    ]
    wallet_id: WalletId
    currency: Currency
    amount: Annotated[
        str, _text(f"What is to be paid: {_UNIT}.", pattern=rf"^(?=.*[1-9]){_DECIMAL}$")
    ]
    reference_id: ReferenceId
    occurred_at: Moment


class PayoutDelayed(PayoutTold, frozen=True, kw_only=True, rename="camel"):
    """A payout waits, for the first time."""

    reason: Annotated[str, _text("Why it waits: `wallet_frozen`, `gateway_away`, `no_answer`.")]
    next_attempt_at: Annotated[
        str, _text("When it is tried again: RFC 3339, UTC, microseconds.", pattern=_TIME)
    ]


class PayoutPaid(PayoutTold, frozen=True, kw_only=True, rename="camel"):
    """A payout ended: the money has left."""

    transaction_id: TransactionId


class PayoutRefused(PayoutTold, frozen=True, kw_only=True, rename="camel"):
    """A payout ended: the money is available again."""

    reason: Annotated[str, _text("What the gateway said: one word, its own.")]


class Sums(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was credited and debited in a currency."""

    credits: MinorUnits
    debits: MinorUnits


class LedgerSealed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The head of a seal: kept outside, it proves the ledger up to the seal's last posting."""

    number: Annotated[int, msgspec.Meta(ge=1, description="1, 2, 3 … without a gap.")]
    after: Annotated[int, _text("The seal covers the postings with ids above this one.")]
    upto: Annotated[int, _text("And up to this one.")]
    postings: Annotated[int, _text("How many postings it covers.")]
    entries: Annotated[int, _text("How many journal entries these belong to.")]
    totals: Annotated[
        dict[str, Sums],
        msgspec.Meta(min_length=1, description="Sums of the postings, by currency."),
    ]
    late: Annotated[
        list[int],
        _text(
            "Ids of postings that turned up in an earlier range after that was sealed, and are "
            "covered by this seal instead. Look why."
        ),
    ]
    previous_hash: Annotated[
        str, _text("`rootHash` of the seal before; zeros for the first.", pattern=f"^{_SHA256}$")
    ]
    root_hash: Annotated[
        str,
        _text("SHA-256 over all of this and each of its postings.", pattern=f"^{_SHA256}$"),
    ]
    sealed_at: Moment


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
        "clientid": "ce_clientid",
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
    clientid: (
        Annotated[
            str,
            _text("The number of the client whose wallet it is.", pattern="^[0-9]+$"),
        ]
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
HELD: Final = "wallet.held.v1"
CAPTURED: Final = "wallet.captured.v1"
RELEASED: Final = "wallet.released.v1"
REVERSED: Final = "wallet.reversed.v1"
ADJUSTED: Final = "wallet.adjusted.v1"
BALANCE_REBUILT: Final = "wallet.balance_rebuilt.v1"

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
    HELD: MoneyHeld,
    CAPTURED: HoldCaptured,
    RELEASED: HoldReleased,
    REVERSED: MovementReversed,
    ADJUSTED: MoneyAdjusted,
    BALANCE_REBUILT: WalletFact,
}
"""Every event type and the class of its value; a new meaning is a new version of the type."""

PAYOUT_REQUESTED: Final = "payout.requested.v1"
PAYOUT_DELAYED: Final = "payout.delayed.v1"
PAYOUT_PAID: Final = "payout.paid.v1"
PAYOUT_REFUSED: Final = "payout.refused.v1"
LEDGER_SEALED: Final = "ledger.sealed.v1"

MESSAGES: Final[dict[str, type[PayoutTold]]] = {
    PAYOUT_REQUESTED: PayoutTold,
    PAYOUT_DELAYED: PayoutDelayed,
    PAYOUT_PAID: PayoutPaid,
    PAYOUT_REFUSED: PayoutRefused,
}
"""What is told of payouts, on a topic of its own: no facts, so they have no sequence."""

HEADS: Final[dict[str, type[LedgerSealed]]] = {LEDGER_SEALED: LedgerSealed}
"""What is told of the ledger's seals, on a topic of its own."""

_encoder = msgspec.json.Encoder()
_decoders = {type_: msgspec.json.Decoder(shape) for type_, shape in TYPES.items()}
_CONTENT_HEADER: Final = ("content-type", CONTENT_TYPE.encode())
_VERSION_HEADER: Final = ("ce_specversion", SPEC_VERSION.encode())


def encode(fact: WalletFact | PayoutTold | LedgerSealed) -> bytes:
    """Freeze a fact or a message into the bytes that every reader will ever see."""
    return _encoder.encode(fact)


def decode(type_: str, value: bytes) -> WalletFact:
    """Read a fact back; the class is the one that `TYPES` names.

    :raises Undecodable: if the type is none of `TYPES`, or the value is not what the type says.
    """
    decoder = _decoders.get(type_)
    if decoder is None:
        raise Undecodable(f"{type_} is no fact about a wallet.")
    try:
        return decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Undecodable(f"The value is no {type_}: {error}") from error


def headers(
    *,
    event_id: UUID,
    type_: str,
    client: int,
    stream: UUID,
    entry: UUID | None,
    occurred_at: datetime,
) -> list[tuple[str, bytes]]:
    """Make the CloudEvents attributes of an event as Kafka headers (binary content mode)."""
    # Written out, because making an `Attributes` and taking it apart again takes three times as
    # long, for every event; a test holds the two together.
    told = [
        _CONTENT_HEADER,
        _VERSION_HEADER,
        ("ce_id", str(event_id).encode()),
        ("ce_source", b"/ledger" if type_ == LEDGER_SEALED else f"/wallets/{stream}".encode()),
        ("ce_type", type_.encode()),
        ("ce_time", rfc3339(occurred_at).encode()),
    ]
    if entry is not None:
        told.append(("ce_subject", str(entry).encode()))
    told.append(("ce_clientid", str(client).encode()))
    return told
