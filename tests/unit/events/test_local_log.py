"""The event log of a service without Kafka: at least once, whole lines only."""

from __future__ import annotations

import base64
import fcntl
import json
import os
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from events.broker import LocalLogBroker, Record

WALLET = UUID("01890000-0000-7000-8000-000000000001")


def record(value: bytes = b'{"sequence":1}', key: UUID = WALLET) -> Record:
    headers = [("content-type", b"application/json"), ("ce_id", str(uuid4()).encode())]
    return Record(topic="facts", key=key, value=value, headers=headers)


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@pytest.fixture
def log(tmp_path: Path) -> LocalLogBroker:
    return LocalLogBroker(tmp_path / "home" / "events.jsonl")


def send(log: LocalLogBroker, *values: bytes) -> list[bool]:
    return log.send([record(value) for value in values], deadline_seconds=1).acknowledged


def test_a_line_is_a_cloudevent_with_its_data(log: LocalLogBroker) -> None:
    sent = record(b'{"sequence":7,"balance":"1.10"}')

    assert log.send([sent], deadline_seconds=1).acknowledged == [True]

    assert lines_of(log.path) == [
        {
            "datacontenttype": "application/json",
            "id": dict(sent.headers)["ce_id"].decode(),
            "topic": "facts",
            "partitionkey": str(WALLET),
            "data": {"sequence": 7, "balance": "1.10"},
        }
    ]


def test_lines_keep_the_order_of_the_records(log: LocalLogBroker) -> None:
    send(log, b"1", b"2")
    send(log, b"3")

    assert [line["data"] for line in lines_of(log.path)] == [1, 2, 3]


@pytest.mark.parametrize("value", [b"\xff\xfe", b'{"half', b'{\n"a":1}'])
def test_data_that_does_not_fit_a_line_of_json_travels_as_base64(
    log: LocalLogBroker, value: bytes
) -> None:
    send(log, value)

    (line,) = lines_of(log.path)
    assert base64.b64decode(line["data_base64"]) == value


@pytest.mark.parametrize("torn", [b'{"id":"2","da', b"\x00\x00", b'{"id":"' + b"x" * 200_000])
def test_a_line_torn_by_a_crash_is_cut(log: LocalLogBroker, torn: bytes) -> None:
    send(log, b"1")
    with log.path.open("ab") as file:
        file.write(torn)

    send(log, b"2")

    assert [line["data"] for line in lines_of(log.path)] == [1, 2]


def test_a_torn_first_line_is_cut(log: LocalLogBroker) -> None:
    log.path.parent.mkdir()
    log.path.write_bytes(b'{"id"')

    send(log, b"1")

    assert [line["data"] for line in lines_of(log.path)] == [1]


def test_a_line_that_lacks_only_its_end_is_completed(log: LocalLogBroker) -> None:
    send(log, b"1", b"2")
    log.path.write_bytes(log.path.read_bytes()[:-1])

    send(log, b"3")

    assert [line["data"] for line in lines_of(log.path)] == [1, 2, 3]


def test_a_log_that_cannot_be_written_acknowledges_nothing(tmp_path: Path) -> None:
    outcome = LocalLogBroker(tmp_path).send([record(), record()], deadline_seconds=1)

    assert outcome.acknowledged == [False, False]
    assert str(tmp_path) in outcome.failure
    assert not outcome.faults


def test_two_writers_do_not_mix_their_lines(log: LocalLogBroker) -> None:
    send(log, b"1")
    other = os.open(log.path, os.O_RDWR)
    fcntl.flock(other, fcntl.LOCK_EX)

    outcome = log.send([record(b"2")], deadline_seconds=0.05)
    os.close(other)

    assert outcome.acknowledged == [False]
    assert send(log, b"3") == [True]
    assert [line["data"] for line in lines_of(log.path)] == [1, 3]
