"""Topics, wallets and processes for a story about operations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from events import topics
from tests import databases
from tests.people import Company, wallet_of
from tests.stress.operations.processes import Processes

TOPICS = {
    "KAFKA_TOPIC_FACTS": "wallet.events.v1",
    "KAFKA_TOPIC_OPERATIONS": "wallet-operations",
    "KAFKA_TOPIC_DEAD_LETTERS": "wallet.dead-letters",
    "KAFKA_TOPIC_SEALS": "ledger.seals",
    "KAFKA_TOPIC_FRAUD_ALERTS": "fraud.alerts.v1",
    "KAFKA_TOPIC_WEBHOOKS": "webhook.events.v1",
    "KAFKA_TOPIC_PAYOUTS": "payout.events.v1",
}
"""What the processes call their topics, by the name of this process' own setting."""


@pytest.fixture
def processes(settings: Any, database: None, tmp_path: Path) -> Iterator[Processes]:
    """Processes on topics of this story alone, without any recovery by the clock."""
    prefix = f"test-{uuid4()}."
    settings.KAFKA_TOPIC_PREFIX = prefix
    for name, topic in TOPICS.items():
        setattr(settings, name, f"{prefix}{topic}")
    topics.ensure(topics.wanted(), wait_seconds=60, say=lambda _: None)
    environment = databases.environment() | {
        "KAFKA_TOPIC_PREFIX": prefix,
        "CONSUMER_SESSION_SECONDS": "6",
        "LANE_PROCESSES": "1",
    }
    made = Processes(environment, tmp_path / "processes.log")
    yield made
    made.end()


@pytest.fixture
def sink(client_acme: Company) -> UUID:
    """The wallet that transfers go to."""
    return wallet_of(client_acme, "savings").id


@pytest.fixture
def crowd(client_acme: Company) -> list[UUID]:
    """Two hundred wallets."""
    return [wallet_of(client_acme, f"customer-{n}").id for n in range(200)]
