"""What a consumer makes of a record, from Kafka and from a line of the local event log."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from events import contracts
from events.broker import Record, _cloud_event
from events.consumer import CLIENT_UNKNOWN, Event, Origin, Received, decode, read_line, record_of
from events.errors import Undecodable

ALICE = UUID("01890000-0000-7000-8000-000000000001")
EVENT = Event(
    id=UUID("01890000-0000-7000-8000-000000000003"),
    type=contracts.DEPOSITED,
    client=7,
    stream=ALICE,
    entry=UUID("01890000-0000-7000-8000-000000000002"),
    time=datetime(2026, 11, 21, 12, 0, 0, 5, tzinfo=UTC),
    value='{"amount":"12.50", "referenceId":"ördèr-1"}'.encode(),
    origin=Origin("wallet.events.v1", 3, 41),
)
RECORD = record_of(EVENT)


def without(name: str) -> Received:
    return replace(RECORD, headers=[pair for pair in RECORD.headers if pair[0] != name])


def with_header(name: str, value: bytes) -> Received:
    return replace(without(name), headers=[*without(name).headers, (name, value)])


def test_a_record_says_its_event() -> None:
    assert decode(RECORD) == EVENT


def test_an_event_without_a_journal_entry_has_none() -> None:
    assert decode(without("ce_subject")) == replace(EVENT, entry=None)


def test_an_event_told_before_events_named_their_client_has_an_unknown_one() -> None:
    assert decode(without("ce_clientid")).client == CLIENT_UNKNOWN


@pytest.mark.parametrize(
    "record",
    [
        without("ce_id"),
        without("ce_type"),
        without("ce_time"),
        with_header("ce_id", b"7"),
        with_header("ce_id", b"\xff"),
        with_header("ce_time", b"yesterday"),
        with_header("ce_time", b"2026-11-21T12:00:00"),
        with_header("ce_time", b"0001-01-01T00:00:00+14:00"),
        with_header("ce_clientid", b"acme"),
        with_header("ce_clientid", b"-1"),
        with_header("ce_clientid", b"2147483648"),
        with_header("ce_subject", b""),
        replace(RECORD, key=b""),
        replace(RECORD, key=b"alice"),
        replace(RECORD, key=b"\xff"),
    ],
)
def test_a_record_that_is_no_event_cannot_be_decoded(record: Received) -> None:
    with pytest.raises(Undecodable):
        decode(record)


@pytest.mark.parametrize("value", [EVENT.value, b"{\n}", b"not JSON", b"\xff", b""])
def test_a_line_of_the_local_log_says_what_the_record_would_have(value: bytes) -> None:
    sent = Record("wallet.events.v1", ALICE, value, RECORD.headers)

    received = read_line(_cloud_event(sent), 512)

    assert decode(received) == replace(
        EVENT, value=value, origin=Origin("wallet.events.v1", 0, 512)
    )
    assert received == replace(RECORD, value=value, origin=Origin("wallet.events.v1", 0, 512))


@pytest.mark.parametrize(
    "line", [b"", b"torn", b"[]", b"{}", b'{"topic":"t","partitionkey":7}', b"\xff"]
)
def test_a_line_that_is_no_cloud_event_is_kept_as_it_is(line: bytes) -> None:
    received = read_line(line, 512)

    assert received == Received(Origin("", 0, 512), b"", line, [])
    with pytest.raises(Undecodable):
        decode(received)


def test_a_fact_is_read_back_by_its_type() -> None:
    fact = contracts.decode(contracts.FROZEN, _frozen())

    assert fact.status == "FROZEN"
    assert contracts.encode(fact) == _frozen()


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("wallet.unheard_of.v1", b"{}"),
        (contracts.FROZEN, b"{}"),
        (contracts.FROZEN, b"not JSON"),
        (contracts.FROZEN, b'{"walletId":"\xff"}'),
    ],
)
def test_what_is_no_fact_of_its_type_cannot_be_decoded(type_: str, value: bytes) -> None:
    with pytest.raises(Undecodable):
        contracts.decode(type_, value)


def _frozen() -> bytes:
    return contracts.encode(
        contracts.WalletFact(
            wallet_id=str(ALICE),
            sequence=2,
            currency="USD",
            balance="0.00",
            held="0.00",
            available="0.00",
            status="FROZEN",
            occurred_at="2026-11-21T12:00:00.000005Z",
        )
    )
