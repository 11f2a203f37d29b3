"""Kafka is away for twenty seconds: nobody who calls notices, and every event arrives, in order."""

from __future__ import annotations

import time

import pytest

from deploy.stack import layout
from tests.stress.faults import books, checks, parts
from tests.stress.faults.conftest import Stage

pytestmark = [pytest.mark.full_stack, pytest.mark.stress]

AWAY_SECONDS = 20.0
DRAINED_SECONDS = 30.0


def test_while_kafka_is_away_money_moves_and_afterwards_every_event_arrives(stage: Stage) -> None:
    with stage.load(clients=6, rest_seconds=0.05) as load:
        load.wait_for_more(50)
        killed = parts.kill(layout.KAFKA)
        began = time.monotonic()
        before = load.acknowledged()
        time.sleep(AWAY_SECONDS - (time.monotonic() - began))
        moved = load.acknowledged() - before
        waiting = books.count_unpublished(stage.database)
        parts.start(layout.KAFKA)
        came_back = time.monotonic()
    assert parts.pid_of(layout.KAFKA) != killed
    stage.wait_until_published(seconds=DRAINED_SECONDS - (time.monotonic() - came_back))

    assert moved >= 200
    assert waiting >= moved, "Kafka took events while it was away."
    checks.no_answer_was_a_failure(stage.journal)
    stage.settle()
    checks.something_happened(stage.journal, ops=300)
