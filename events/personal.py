"""What the messenger keeps about a wallet: its events, and records that could not be handled.

Neither has a text of a person or the client's name for him, so an export has them and an erasure
leaves them: they tell what the books tell.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from events.models import DeadLetter, OutboxEvent
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.personal_data import Holding, read_pages, register

_EVENT = ("id", "event_id", "topic", "sequence", "type", "payload", "occurred_at")
_LETTER = ("id", "consumer", "status", "topic", "event_id", "type", "value", "reason", "failed_at")


def _read_events(wallet: UUID) -> Iterator[dict[str, Any]]:
    # Messages have no sequence; the operation or payout that they point to is read elsewhere.
    rows = OutboxEvent.objects.using(PRIMARY).filter(stream=wallet, sequence__isnull=False)
    for row in read_pages(rows, _EVENT, key="sequence"):
        yield row | {"payload": _told(row["payload"])}


def _read_letters(wallet: UUID) -> Iterator[dict[str, Any]]:
    rows = DeadLetter.objects.using(PRIMARY).filter(stream=wallet)
    for row in read_pages(rows, _LETTER, key="id"):
        yield row | {"value": _told(row["value"])}


def _told(value: bytes | memoryview) -> Any:
    """Read JSON; what is none is told in base64."""
    try:
        return json.loads(bytes(value))
    except ValueError:
        return {"base64": base64.b64encode(bytes(value)).decode()}


register(Holding("event", _read_events), Holding("dead_letter", _read_letters))
