"""Which rows may be marked, and how long to wait: decisions without a database."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from events import relay
from events.broker import Outcome, Record

ALICE, BOB = uuid4(), uuid4()


def work(*streams: UUID) -> list[relay.Work]:
    return [
        relay.Work(id=place + 100, record=Record("facts", stream, b"{}", []))
        for place, stream in enumerate(streams)
    ]


def test_all_rows_of_an_answered_chunk_are_marked() -> None:
    assert relay.acknowledged(work(ALICE, BOB, ALICE), Outcome([True] * 3)) == [100, 101, 102]


def test_nothing_of_a_stream_is_marked_behind_a_row_without_an_answer() -> None:
    rows = work(ALICE, BOB, ALICE, ALICE, BOB)

    assert relay.acknowledged(rows, Outcome([True, True, False, True, True])) == [100, 101, 104]


def test_without_an_answer_nothing_is_marked() -> None:
    assert relay.acknowledged(work(ALICE, BOB), Outcome([False, False])) == []


def test_an_answer_for_another_number_of_rows_is_a_bug() -> None:
    with pytest.raises(ValueError, match="shorter"):
        relay.acknowledged(work(ALICE, BOB), Outcome([True]))
