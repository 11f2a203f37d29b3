"""Letters that staff end while the consumer is still at what stands behind them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from events import dead_letters, replaying, settling
from events.consumer import record_of
from events.models import DeadLetter, LetterStatus
from tests import effects
from tests.consumers import told
from tests.integration.events.conftest import Streams


@pytest.fixture
def made(database: None) -> Iterator[None]:
    with effects.tables():
        yield


def test_an_event_is_not_lost_behind_a_letter_that_staff_end_at_that_moment(
    streams: Streams, settings: Any, made: None
) -> None:
    (alice,) = streams.new(1)
    streams.tell(alice, alice, alice)
    settings.CONSUMER_RETRY_MS = 1
    effects.order(effects.POISON, alice, 1)
    effects.order(effects.POISON, alice, 2)

    class Staff(logging.Handler):
        """Gives a letter up as soon as it hears of it, but only the first."""

        def emit(self, record: logging.LogRecord) -> None:
            dead_letters.logger.removeHandler(self)
            assert replaying.discard(vars(record)["letter"])

    dead_letters.logger.addHandler(Staff())
    records = [record_of(event) for event in told()]
    settling.settle(effects.consumer(), records, threading.Event())

    assert effects.done() == {}
    rows = DeadLetter.objects.filter(stream=alice).order_by("id")
    assert [row.status for row in rows] == [
        LetterStatus.DISCARDED,
        LetterStatus.DEAD,
        LetterStatus.HELD,
    ]
