"""Accepts operations over the API, and has the worker's handler told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings

from events.consumer import Event
from tests.consumers import deliver, told
from tests.http import Api, Reply
from wallet_project.consumers import CONSUMERS
from wallets.models import Operation, OperationStatus

WORKER = CONSUMERS["operations"]


def accept(
    api: Api,
    kind: str,
    wallet: object,
    amount: object,
    *,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Reply:
    """Ask for an operation; names beyond the usual go into the body."""
    named = {"operationType": kind, "walletId": str(wallet), "amount": amount}
    return api.post("/wallet", named | more, headers=headers)


def messages(*wallets: UUID) -> list[Event]:
    """Read what Kafka will say of operations, in its order."""
    return told(*wallets, topic=settings.KAFKA_TOPIC_OPERATIONS)


def work(events: Sequence[Event] | None = None) -> None:
    """Let the worker take a batch: these messages, or all there ever were."""
    deliver(WORKER, messages() if events is None else events)


def shown(api: Api, accepted: Reply) -> Any:
    """Read an operation where its acceptance says."""
    reply = api.get(accepted.headers["location"], from_root=True)
    assert reply.status == 200, str(reply)
    return reply.json


def stands() -> dict[str, int]:
    """Count operations by their status."""
    found = list(Operation.objects.values_list("status", flat=True))
    return {status.name: found.count(status) for status in OperationStatus if status in found}
