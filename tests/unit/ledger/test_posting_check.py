"""Entries are proved before a row is written."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import posting
from ledger.errors import BrokenChain, UnbalancedEntry
from ledger.posting import Entry, Line

ALICE, BOB, HOUSE = UUID(int=1), UUID(int=2), UUID(int=3)


def entry(*lines: Line) -> Entry:
    return Entry(
        id=UUID(int=9),
        kind="deposit",
        idempotency_key=bytes(32),
        request_hash=bytes(32),
        client=1,
        actor="key:test",
        reference="",
        channel="default",
        posted_at=datetime(2026, 1, 1, tzinfo=UTC),
        value_date=date(2026, 1, 1),
        lines=lines,
    )


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [Line(ALICE, "USD", 0)],
        [Line(ALICE, "USD", 5), Line(HOUSE, "USD", -4)],
        [Line(ALICE, "USD", 5), Line(HOUSE, "EUR", -5)],
        [Line(ALICE, "USD", 5), Line(ALICE, "USD", -5)],
    ],
)
def test_refuses_an_entry_that_does_not_balance(lines: list[Line]) -> None:
    with pytest.raises(UnbalancedEntry):
        posting.check([entry(*lines)])


@pytest.mark.parametrize(("balance", "sequence"), [(11, 2), (9, 2), (15, 1), (15, 3)], ids=str)
def test_refuses_a_posting_that_does_not_follow(balance: int, sequence: int) -> None:
    first = entry(Line(ALICE, "USD", 10, 10, 1, 2), Line(HOUSE, "USD", -10))
    second = entry(Line(ALICE, "USD", 5, balance, sequence, 3), Line(HOUSE, "USD", -5))

    with pytest.raises(BrokenChain):
        posting.check([first, second])


@given(amounts=st.lists(st.integers(1, 10**15), min_size=1, max_size=20))
def test_accepts_any_chain_that_adds_up(amounts: list[int]) -> None:
    total = 0
    entries = []
    for sequence, amount in enumerate(amounts, start=1):
        total += amount
        entries.append(
            entry(Line(ALICE, "USD", amount, total, sequence), Line(HOUSE, "USD", -amount))
        )

    posting.check(entries)


def test_the_digest_of_a_note_survives_only_with_its_salt() -> None:
    digest = posting.note_digest(b"salt", "Rent", {"b": 1, "a": 2})

    assert digest == posting.note_digest(b"salt", "Rent", {"a": 2, "b": 1})
    assert digest != posting.note_digest(b"tlas", "Rent", {"a": 2, "b": 1})
    assert digest != posting.note_digest(b"salt", "rent", {"a": 2, "b": 1})


def test_nothing_is_posted_outside_a_transaction() -> None:
    with pytest.raises(RuntimeError):
        posting.post_entries([])


def test_an_entry_may_have_more_than_two_lines() -> None:
    posting.check([entry(Line(ALICE, "USD", 5), Line(BOB, "USD", 3), Line(HOUSE, "USD", -8))])
