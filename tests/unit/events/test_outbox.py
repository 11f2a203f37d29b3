from __future__ import annotations

from collections import Counter
from uuid import UUID, uuid4

import pytest

from events import outbox


@pytest.mark.parametrize(
    ("stream", "shard"),
    [
        ("00000000-0000-0000-0000-000000000000", 5),
        ("00000000-0000-0000-0000-000000000001", 3),
        ("01890000-0000-7000-8000-000000000001", 4),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", 10),
    ],
)
def test_a_stream_keeps_its_shard_for_ever(stream: str, shard: int) -> None:
    assert outbox.shard_of(UUID(stream)) == shard


def test_streams_spread_over_all_shards() -> None:
    shards = Counter(outbox.shard_of(uuid4()) for _ in range(3_200))

    assert set(shards) == set(range(outbox.SHARDS))
    assert max(shards.values()) < 2 * min(shards.values())


def test_a_fact_cannot_be_told_outside_the_transaction_that_makes_it_true() -> None:
    with pytest.raises(RuntimeError, match="inside the transaction"):
        outbox.record([])
