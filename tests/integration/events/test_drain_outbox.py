"""The command that empties the outbox, and says what it could not send."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from events import leases
from events.broker import KafkaBroker, LocalLogBroker
from events.management.commands import drain_outbox
from events.models import OutboxEvent, OutboxStatus
from tests.integration.events.conftest import Streams
from tests.integration.events.logs import told


@pytest.fixture(autouse=True)
def to_the_log(monkeypatch: pytest.MonkeyPatch, log: LocalLogBroker) -> None:
    monkeypatch.setattr(drain_outbox, "broker", lambda: log)


def drained(*words: str) -> tuple[int, dict[str, int]]:
    out, code = StringIO(), 0
    try:
        call_command("drain_outbox", *words, "--json", stdout=out, stderr=StringIO())
    except SystemExit as ended:
        code = int(str(ended.code))
    return code, json.loads(out.getvalue())


def test_everything_that_waits_is_published(streams: Streams, log: LocalLogBroker) -> None:
    known = streams.new(5)
    for _ in range(3):
        streams.tell(*known)
    waits = (2, {"published": 0, "waiting": 15, "quarantined": 0})
    assert drained("--dry-run") == waits

    assert drained() == (0, {"published": 15, "waiting": 0, "quarantined": 0})

    assert told(log) == {stream: [1, 2, 3] for stream in known}
    assert drained() == (0, {"published": 0, "waiting": 0, "quarantined": 0})


def test_what_another_relay_holds_is_waited_for_and_then_named(streams: Streams) -> None:
    streams.tell(*streams.new(2))
    leases.take("another")

    assert drained("--timeout", "0.5") == (2, {"published": 0, "waiting": 2, "quarantined": 0})

    leases.give_back("another")
    assert drained()[0] == 0


def test_an_event_in_quarantine_is_not_passed_over_in_silence(streams: Streams) -> None:
    (stream,) = streams.new(1)
    streams.tell(stream)
    OutboxEvent.objects.filter(stream=stream).update(status=OutboxStatus.QUARANTINED)
    streams.tell(stream)

    code, numbers = drained()

    assert (code, numbers["published"], numbers["quarantined"]) == (2, 0, 1)


def test_without_kafka_it_says_so_and_everything_stays(
    streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.broker.BOOTSTRAP_MS", 300)
    kafka = KafkaBroker(["127.0.0.1:1"], record_bytes_max=1024)
    monkeypatch.setattr(drain_outbox, "broker", lambda: kafka)
    streams.tell(*streams.new(2))

    with pytest.raises(CommandError, match="cannot be reached"):
        call_command("drain_outbox", stdout=StringIO(), stderr=StringIO())

    assert OutboxEvent.objects.filter(status=OutboxStatus.PENDING).count() == 2
    assert leases.take("another") != []
