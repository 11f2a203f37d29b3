"""The proof of what is told finds whatever was lost, changed, forged or moved."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command

from events import archive, relay, topic_proof
from events.broker import KafkaBroker, LocalLogBroker
from events.models import OutboxEvent
from events.topic_proof import Reading
from tests.archives import folder as folder
from tests.integration.events.conftest import Streams
from tests.integration.events.logs import drain
from tests.integration.events.test_kafka import MakeTopic
from tests.integration.events.test_kafka import kafka as kafka
from tests.integration.events.test_kafka import make_topic as make_topic
from tests.people import fund
from wallet_project.kit.clock import now
from wallet_project.kit.database import PRIMARY
from wallets.identity import WalletIdentity

WALLETS, EACH = 3, 4
Lines = list[bytes]


@pytest.fixture
def told(streams: Streams, log: LocalLogBroker, holder: str, settings: Any) -> list[UUID]:
    """Three wallets whose four facts each stand in the local event log."""
    settings.KAFKA_BOOTSTRAP_SERVERS = ""
    settings.EVENT_LOG = log.path
    known = streams.new(WALLETS)
    for _ in range(EACH):
        streams.tell(*known)
    drain(log, holder)
    return known


def found() -> list[str]:
    return [f"{one.invariant} {one.detail}" for one in topic_proof.check(Reading())]


def rewrite(path: Path, change: Callable[[Lines], Lines]) -> None:
    """Change the log, as somebody could who has its file."""
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


def is_of(line: bytes, wallet: UUID, number: int | None = None) -> bool:
    told = json.loads(line)
    return told["partitionkey"] == str(wallet) and number in (None, told["data"]["sequence"])


def test_what_is_true_is_found_true_however_often_it_is_told(
    told: list[UUID], log: LocalLogBroker, streams: Streams
) -> None:
    log.path.write_bytes(log.path.read_bytes() * 2)
    streams.tell(*told)  # nobody has sent these so far
    reading = Reading()

    assert list(topic_proof.check(reading)) == []
    assert (reading.records, reading.is_whole) == (2 * WALLETS * EACH, True)


def test_the_last_fact_of_a_wallet_is_lost(told: list[UUID], log: LocalLogBroker) -> None:
    rewrite(log.path, lambda lines: [one for one in lines if not is_of(one, told[1], EACH)])
    assert found() == [f"I7 event {EACH} is marked as published and does not stand in the topic"]


def test_a_fact_in_the_middle_is_lost(told: list[UUID], log: LocalLogBroker) -> None:
    rewrite(log.path, lambda lines: [one for one in lines if not is_of(one, told[1], 2)])
    assert found() == ["I8 event 3 is told after 1"]


def test_all_of_a_wallet_is_lost(told: list[UUID], log: LocalLogBroker) -> None:
    rewrite(log.path, lambda lines: [one for one in lines if not is_of(one, told[0])])
    assert found() == [f"I7 event {EACH} is marked as published and does not stand in the topic"]


def test_two_facts_of_a_wallet_change_places(told: list[UUID], log: LocalLogBroker) -> None:
    def swapped(lines: Lines) -> Lines:
        places = [n for n, one in enumerate(lines) if is_of(one, told[2])]
        lines[places[1]], lines[places[2]] = lines[places[2]], lines[places[1]]
        return lines

    rewrite(log.path, swapped)
    assert found() == ["I8 event 3 is told after 1"]


def test_a_fact_is_changed(told: list[UUID], log: LocalLogBroker) -> None:
    def changed(lines: Lines) -> Lines:
        spoilt = lines[5].replace(b'"sequence":2', b'"sequence":2,"note":"mine"')
        assert spoilt != lines[5]
        return [*lines[:5], spoilt, *lines[6:]]

    rewrite(log.path, changed)
    assert found() == ["I7 says something else in the outbox"]


def test_a_fact_is_forged(told: list[UUID], log: LocalLogBroker) -> None:
    def forged(lines: Lines) -> Lines:
        first = next(one for one in lines if is_of(one, told[0], 1))
        return [*lines, first.replace(str(told[0]).encode(), str(uuid4()).encode())]

    rewrite(log.path, forged)
    assert found() == ["I7 stands in the topic, not in the outbox"]


def test_what_has_left_for_the_archive_is_not_missed(told: list[UUID], folder: Path) -> None:
    archive.move(archive.OUTBOX, before=now() + timedelta(days=1))
    assert not OutboxEvent.objects.using(PRIMARY).exists()
    assert found() == []


def test_the_command_reads_the_topic_when_it_is_asked_to(
    alice: WalletIdentity, log: LocalLogBroker, holder: str, settings: Any
) -> None:
    settings.KAFKA_BOOTSTRAP_SERVERS = ""
    settings.EVENT_LOG = log.path
    fund(alice, 1_00)
    drain(log, holder)
    call_command("verify_ledger", "--topic", stdout=StringIO(), stderr=StringIO())
    log.path.write_bytes(b"")
    out = StringIO()

    with pytest.raises(SystemExit) as stopped:
        call_command("verify_ledger", "--topic", stdout=out, stderr=StringIO())

    assert stopped.value.code == 2
    assert f"I7 wallet {alice.id}: event 2 is marked as published" in out.getvalue()


@pytest.mark.full_stack
def test_kafka_is_read_from_its_first_record_to_its_end(
    streams: Streams, kafka: KafkaBroker, holder: str, make_topic: MakeTopic
) -> None:
    make_topic()
    known = streams.new(50)
    for _ in range(20):
        streams.tell(*known)
    relay.drain_once(kafka, holder=holder)
    reading = Reading()
    assert list(topic_proof.check(reading)) == []
    assert reading.records == 1_000

    OutboxEvent.objects.filter(stream=known[0], sequence=3).update(payload=b"{}")
    assert found() == ["I7 says something else in the outbox"]


@pytest.mark.full_stack
def test_a_kafka_that_is_away_is_no_finding(database: None, settings: Any) -> None:
    settings.KAFKA_BOOTSTRAP_SERVERS = "127.0.0.1:9"
    with pytest.raises(CommandError, match="The topic was not read"):
        call_command("verify_ledger", "--topic", stdout=StringIO(), stderr=StringIO())
