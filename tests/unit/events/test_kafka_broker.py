from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from kafka.partitioner import DefaultPartitioner

from events import broker as broker_module


def test_only_the_first_failure_halts_the_sender() -> None:
    class Sender:
        halted = 0

        def force_close(self) -> None:
            self.halted += 1

    sender = Sender()
    first = broker_module._FirstFailure(sender)
    cause = OSError("gone")

    first(cause)
    first(ValueError("aborted because of the first"))

    assert first.error is cause
    assert sender.halted == 1


class Cluster:
    """As much of Kafka's metadata as a partitioner asks for."""

    def __init__(self, partitions: int) -> None:
        self.numbers = set(range(partitions))

    def topics(self) -> set[str]:
        return {"facts"}

    def partitions_for_topic(self, topic: str) -> set[int]:
        return self.numbers

    available_partitions_for_topic = partitions_for_topic


@pytest.mark.parametrize("partitions", [1, 12, 31])
def test_a_wallet_goes_where_every_other_client_would_send_it(partitions: int) -> None:
    cluster = Cluster(partitions)
    ours, theirs = broker_module.KeyPartitioner(), DefaultPartitioner()

    for key in (str(uuid4()).encode() for _ in range(200)):
        arguments = ("facts", key, key, b"", b"", cluster)
        assert ours.partition(*arguments) == theirs.partition(*arguments)


def test_a_wallet_keeps_its_partition_for_ever() -> None:
    key = str(UUID("01890000-0000-7000-8000-000000000001")).encode()

    found = broker_module.KeyPartitioner().partition("facts", key, key, b"", b"", Cluster(12))

    assert found == 9
