"""What Kafka carries of an accepted operation: that it is there. What is made stands in its row."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from django.conf import settings

from events.errors import Undecodable
from events.outbox import NewMessage
from wallet_project.kit.clock import rfc3339
from wallet_project.kit.money import format_minor
from wallets.chart import CHART, OPERATION_TYPES, Party
from wallets.operations._commands import MovementCommand

TYPE: Final = "operation.accepted.v1"


class OperationAccepted(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=False
):
    """An operation that was accepted; the numbers are for whoever looks at the topic."""

    operation_id: UUID
    wallet_id: str
    operation_type: str
    amount: str
    currency: str
    destination_wallet_id: str | None
    reference_id: str | None
    accepted_at: str


def about(operation_id: UUID, command: MovementCommand, moment: datetime) -> NewMessage:
    """Make the message of an operation; its key is the wallet that the operation is queued with."""
    is_transfer = CHART[command.kind].counterparty is Party.WALLET
    message = OperationAccepted(
        operation_id=operation_id,
        wallet_id=str(command.wallet),
        operation_type=OPERATION_TYPES[command.kind],
        amount=format_minor(command.amount, command.currency),
        currency=command.currency,
        destination_wallet_id=str(command.counterparty) if is_transfer else None,
        reference_id=command.reference or None,
        accepted_at=rfc3339(moment),
    )
    return NewMessage(
        topic=settings.KAFKA_TOPIC_OPERATIONS,
        stream=command.wallet,
        client=command.client,
        type=TYPE,
        value=_encoder.encode(message),
        occurred_at=moment,
        event_id=operation_id,
    )


def operation_of(value: bytes) -> UUID:
    """Read which operation a message is about.

    :raises Undecodable: if it is no such message.
    """
    try:
        return _decoder.decode(value).operation_id
    except msgspec.DecodeError as error:
        raise Undecodable(f"The message names no operation: {error}") from error


class _Named(msgspec.Struct, frozen=True, rename="camel"):
    operation_id: UUID


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(_Named)
