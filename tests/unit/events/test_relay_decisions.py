"""Which rows may be marked, and how long to wait: decisions without a database."""

from __future__ import annotations

import logging
from uuid import UUID, uuid4

import pytest

from events import relay
from events.broker import Outcome, Record
from events.errors import BrokerUnavailable
from wallet_project.kit.retry_metrics import KAFKA_PUBLISH

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


def test_trouble_is_logged_once_and_its_end_once(caplog: pytest.LogCaptureFixture) -> None:
    trouble = relay._Trouble()

    with caplog.at_level(logging.WARNING, logger="events.relay"):
        for _ in range(5):
            trouble.with_(KAFKA_PUBLISH, BrokerUnavailable("gone"))
        trouble.over()
        trouble.over()

    assert [entry.message for entry in caplog.records] == ["relay.interrupted", "relay.resumed"]


def test_waits_grow_and_stay_below_five_seconds() -> None:
    trouble = relay._Trouble()
    waits = [trouble.with_(KAFKA_PUBLISH, BrokerUnavailable("gone")) for _ in range(20)]

    assert 0.5 <= waits[0] <= relay.BACK_OFF_SECONDS
    assert max(waits) <= relay.BACK_OFF_SECONDS_MAX
    assert min(waits[5:]) >= relay.BACK_OFF_SECONDS_MAX / 2
