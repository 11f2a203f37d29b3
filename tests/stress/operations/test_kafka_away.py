"""Kafka is away while operations are accepted: nobody who asks notices, and each is made."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest

from deploy.stack import layout
from tests.people import Company
from tests.stress.faults import parts
from tests.stress.operations import checks
from tests.stress.operations.processes import Processes
from tests.stress.operations.sending import mixture, send

pytestmark = [pytest.mark.full_stack, pytest.mark.stress]

OPERATIONS = 500


@pytest.fixture(autouse=True)
def kafka_is_back() -> Iterator[None]:
    yield
    parts.restore()


def test_operations_are_accepted_without_kafka_and_made_when_it_is_back(
    processes: Processes, client_acme: Company, crowd: list[UUID], sink: UUID
) -> None:
    address = processes.lane(client_acme.key)
    processes.relay()
    processes.worker()
    before = send(address, mixture(crowd, 50, seed=1), sink)
    processes.until(lambda: checks.settled() == 50, what="work", seconds=120)

    parts.kill(layout.KAFKA)
    accepted = before + send(address, mixture(crowd, OPERATIONS, seed=2), sink)
    assert checks.settled() < 50 + OPERATIONS
    parts.start(layout.KAFKA)
    processes.until(
        lambda: checks.settled() == 50 + OPERATIONS, what="the end of the work", seconds=180
    )
    checks.everything_is_as_one_after_the_other(accepted, sink)
    checks.kafka_tells_operations_in_order()
