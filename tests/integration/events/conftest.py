"""Streams of events without wallets: rows are recorded as the write path records them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import UUID

import pytest
from django.db import transaction

from events import contracts, leases, outbox
from events.broker import LocalLogBroker
from wallet_project.kit.clock import now, rfc3339
from wallet_project.kit.ids import uuid7

Tell = Callable[..., None]


def fact(stream: UUID, sequence: int, *, padding: int = 0) -> outbox.NewEvent:
    """Make a deposit's fact; `padding` bytes make it longer."""
    moment = now()
    entry = uuid7()
    return outbox.NewEvent(
        stream=stream,
        client=1,
        type=contracts.DEPOSITED,
        occurred_at=moment,
        entry=entry,
        fact=contracts.MoneyMoved(
            wallet_id=str(stream),
            sequence=sequence,
            currency="USD",
            balance=f"{sequence}.00",
            held="0.00",
            available=f"{sequence}.00",
            status="active",
            occurred_at=rfc3339(moment),
            transaction_id=str(entry),
            amount="1.00",
            reference_id="x" * padding,
        ),
    )


def record(events: Sequence[outbox.NewEvent]) -> None:
    """Record events in one transaction, in this order."""
    with transaction.atomic():
        outbox.record(events)


class Streams:
    """Tells facts of streams and remembers how far each has come."""

    def __init__(self) -> None:
        self.sequences: dict[UUID, int] = {}

    def new(self, number: int) -> list[UUID]:
        return [uuid7() for _ in range(number)]

    def tell(self, *streams: UUID, padding: int = 0) -> None:
        """Record the next fact of each stream named, in the order named."""
        events = []
        for stream in streams:
            sequence = self.sequences.get(stream, 0) + 1
            self.sequences[stream] = sequence
            events.append(fact(stream, sequence, padding=padding))
        record(events)


@pytest.fixture
def streams(database: None) -> Streams:
    return Streams()


@pytest.fixture
def log(tmp_path: Path) -> LocalLogBroker:
    return LocalLogBroker(tmp_path / "events.jsonl")


@pytest.fixture
def holder(database: None) -> Iterator[str]:
    name = leases.holder_name()
    yield name
    leases.give_back(name)
