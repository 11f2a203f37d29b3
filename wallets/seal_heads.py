"""Tell the outside the head of each seal of the ledger, so that nobody can make seals again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

import msgspec
from django.conf import settings

from events import contracts, outbox, queries
from wallet_project.kit.clock import now

STREAM: Final = UUID("5ea15000-0000-7000-8000-000000000001")
"""The key of all heads, so that they keep their order."""
_NOBODYS: Final = 0
"""Seals are over the books of all clients."""


def tell(head: Mapping[str, Any]) -> None:
    """Record the head of a new seal to be published, in the transaction that makes the seal."""
    outbox.record_messages(
        [
            outbox.NewMessage(
                topic=settings.KAFKA_TOPIC_SEALS,
                stream=STREAM,
                client=_NOBODYS,
                type=contracts.LEDGER_SEALED,
                value=contracts.encode(msgspec.convert(head, contracts.LedgerSealed)),
                occurred_at=now(),
            )
        ]
    )


def told() -> Iterator[Mapping[str, Any]]:
    """Walk the heads that were told, as far as they are still in the outbox."""
    for value in queries.kept_messages(STREAM, contracts.LEDGER_SEALED):
        yield msgspec.json.decode(value)
