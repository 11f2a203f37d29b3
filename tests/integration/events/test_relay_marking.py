"""How the relay marks: while the next chunk is sent, without losing, doubling or passing a row."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError
from django.db.models import F
from django.db.models.functions import Now

from events import leases, marking, relay
from events.broker import LocalLogBroker, Outcome, Record
from events.models import EventCounter, OutboxEvent, ShardLease
from tests.integration.events.conftest import Streams
from tests.integration.events.logs import drain, told


class LogThatTells(LocalLogBroker):
    """The local log, which says so when a chunk is on the disk."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.sent = threading.Semaphore(0)
        self.after_the_first: Callable[[], None] = lambda: None

    def send(self, records: Sequence[Record], *, deadline_seconds: float) -> Outcome:
        outcome = super().send(records, deadline_seconds=deadline_seconds)
        act, self.after_the_first = self.after_the_first, lambda: None
        act()
        self.sent.release()
        return outcome


def test_a_chunk_is_marked_while_the_next_one_is_sent(
    streams: Streams, tmp_path: Path, holder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = LogThatTells(tmp_path / "events.jsonl")
    monkeypatch.setattr(relay, "CHUNK", 5)
    mark = marking.mark_published
    met = []

    def when_the_next_is_sent(ids: Sequence[int]) -> int:
        met.append(log.sent.acquire(timeout=5) and log.sent.acquire(timeout=5))
        monkeypatch.setattr(marking, "mark_published", mark)
        return mark(ids)

    monkeypatch.setattr(marking, "mark_published", when_the_next_is_sent)
    streams.tell(*streams.new(10))

    assert drain(log, holder).sent == 10
    assert met == [True]


def test_the_next_chunk_has_what_was_told_meanwhile_with_smaller_ids(
    streams: Streams, tmp_path: Path, holder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading on from the last id would send the second fact of `late` and skip the first."""
    log = LogThatTells(tmp_path / "events.jsonl")
    monkeypatch.setattr(relay, "CHUNK", 6)
    early, late = streams.new(2)
    streams.tell(*[early] * 6)
    OutboxEvent.objects.update(id=F("id") + 1_000)

    def tell_late() -> None:
        streams.tell(late)
        OutboxEvent.objects.filter(stream=late).update(id=500)
        streams.tell(late)

    log.after_the_first = tell_late

    drain(log, holder)

    assert told(log) == {early: [1, 2, 3, 4, 5, 6], late: [1, 2]}
    assert not relay.has_work()


def test_chunks_whose_marking_fails_are_repeated_in_order(
    streams: Streams, log: LocalLogBroker, holder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "CHUNK", 6)
    known = streams.new(3)
    for _ in range(10):
        streams.tell(*known)
    with monkeypatch.context() as patch:
        patch.setattr(marking, "mark_published", _away)
        with pytest.raises(OperationalError):
            drain(log, holder)
    assert told(log) == {stream: [1, 2, 3, 4] for stream in known}

    assert drain(log, holder) == relay.Drained(sent=30, left=False)

    assert told(log) == {stream: [1, 2, 3, 4, *range(1, 11)] for stream in known}
    for stream in known:
        rows = OutboxEvent.objects.filter(stream=stream).order_by("position")
        assert list(rows.values_list("sequence", flat=True)) == list(range(1, 11))


def _away(ids: Sequence[int]) -> int:
    raise OperationalError(2013, "Lost connection to MySQL server during query")


def test_a_lease_with_more_than_a_chunks_time_left_is_not_written_again(database: None) -> None:
    leases.take("one")
    ShardLease.objects.update(expires_at=Now() + timedelta(seconds=26))

    assert leases.take("one") == list(range(16))
    assert not ShardLease.objects.filter(expires_at__gt=Now() + timedelta(seconds=26)).exists()

    ShardLease.objects.update(expires_at=Now() + timedelta(seconds=24))
    assert leases.take("one") == list(range(16))
    assert not ShardLease.objects.filter(expires_at__lte=Now() + timedelta(seconds=29)).exists()
    leases.give_back("one")


def test_rows_far_apart_are_marked_without_using_up_the_numbers_between(
    streams: Streams,
) -> None:
    streams.tell(*streams.new(3))
    far = OutboxEvent.objects.latest("id").id
    OutboxEvent.objects.filter(id=far).update(id=far + 1_000_000)
    ids = list(OutboxEvent.objects.order_by("id").values_list("id", flat=True))

    assert marking.mark_published(ids[::-1]) == 3

    rows = OutboxEvent.objects.order_by("id")
    assert list(rows.values_list("position", flat=True)) == [1, 2, 3]


@pytest.mark.parametrize("lost", [True, False])
def test_a_counter_that_was_lost_or_set_back_gives_no_position_twice(
    streams: Streams, *, lost: bool
) -> None:
    streams.tell(*streams.new(3))
    ids = list(OutboxEvent.objects.order_by("id").values_list("id", flat=True))
    marking.mark_published(ids[:2])
    if lost:
        EventCounter.objects.all().delete()
    else:
        EventCounter.objects.update(last_position=1)

    marking.mark_published(ids[2:])

    rows = OutboxEvent.objects.order_by("id")
    assert list(rows.values_list("position", flat=True)) == [1, 2, 3]
    assert EventCounter.objects.get().last_position == 3
