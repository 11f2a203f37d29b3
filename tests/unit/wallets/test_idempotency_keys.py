"""Keys and request hashes compare by bytes and never run into each other."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from wallets import idempotency

WALLET = UUID(int=7)
HEADER_DIGEST = "55de2539ee37f96b90d97011b4664eecdd69dbf80178e46ef1ddf002197b267d"
REFERENCE_DIGEST = "5cefbfe23f6ae655b91c7d745124f53a5c430a182b5372b21a26432a4ce61741"

parts = st.lists(
    st.one_of(st.none(), st.integers(-(2**63), 2**63), st.text(max_size=8), st.binary(max_size=8)),
    max_size=5,
)


@given(first=parts, second=parts)
def test_two_commands_share_a_hash_only_when_they_are_the_same(
    first: list[idempotency.Part], second: list[idempotency.Part]
) -> None:
    same = idempotency.request_hash("deposit", first) == idempotency.request_hash("deposit", second)

    assert same == (first == second)


def test_parts_cannot_slide_into_each_other() -> None:
    assert idempotency.request_hash("v", ["ab", "c"]) != idempotency.request_hash("v", ["a", "bc"])
    assert idempotency.request_hash("v", ["1"]) != idempotency.request_hash("v", [1])


def test_the_order_of_a_mappings_keys_says_nothing() -> None:
    first = idempotency.request_hash("v", [{"a": 1, "b": {"c": 2, "d": 3}}])
    second = idempotency.request_hash("v", [{"b": {"d": 3, "c": 2}, "a": 1}])

    assert first == second


def test_a_digest_is_the_same_for_ever() -> None:
    """Stored keys would be forgotten by a change of the digest, and money could move twice."""
    key = idempotency.from_header(1, "order-1")
    reference = idempotency.from_reference(1, "deposit", WALLET, "order-1")

    assert key.digest.hex() == HEADER_DIGEST
    assert reference.digest.hex() == REFERENCE_DIGEST


def test_scopes_keep_keys_apart() -> None:
    digests = [
        idempotency.from_header(1, "k"),
        idempotency.from_header(2, "k"),
        idempotency.from_reference(1, "deposit", WALLET, "k"),
        idempotency.from_reference(1, "withdrawal", WALLET, "k"),
        idempotency.from_reference(1, "deposit", UUID(int=8), "k"),
        idempotency.from_reference(2, "deposit", WALLET, "k"),
    ]

    assert len({key.digest for key in digests}) == len(digests)
