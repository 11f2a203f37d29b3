"""The heartbeat: beats without anybody's help, and tells a replica's age."""

from __future__ import annotations

import threading
import time

import pytest

from events import relay
from events.broker import broker
from events.tasks import drain_outbox
from wallet_project.kit import heartbeat
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.models import Heartbeat
from wallets.queries import primary_clock


@pytest.mark.full_stack
class TestOnTheFullStack:
    def test_each_beat_is_the_primarys_clock(self, database: None) -> None:
        for _ in range(2):  # the first makes the row, the second changes it
            before = primary_clock()
            heartbeat.beat()
        beat_at = Heartbeat.objects.using(PRIMARY).get().beat_at
        assert before <= beat_at <= primary_clock()

    def test_a_tick_of_the_clock_beats(self, database: None) -> None:
        drain_outbox()
        assert Heartbeat.objects.using(PRIMARY).count() == 1

    def test_the_relay_process_beats_while_it_works(self, database: None) -> None:
        stop = threading.Event()
        working = threading.Thread(target=relay.run_forever, args=(broker(), stop))
        working.start()
        deadline = time.monotonic() + 5
        while not Heartbeat.objects.using(PRIMARY).exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        stop.set()
        working.join(30)
        assert Heartbeat.objects.using(PRIMARY).exists()


def test_without_a_replica_nothing_beats(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "REPLICA", "a database that is not there")
    heartbeat.beat()
    assert not Heartbeat.objects.using(PRIMARY).exists()
