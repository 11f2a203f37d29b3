"""What every reader of Kafka sees: headers and bytes, fixed for ever."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from events import contracts

WALLET = UUID("01890000-0000-7000-8000-000000000001")
ENTRY = UUID("01890000-0000-7000-8000-000000000002")
EVENT = UUID("01890000-0000-7000-8000-000000000003")
NOON = datetime(2026, 11, 21, 12, 0, 0, 5, tzinfo=UTC)


def moved() -> contracts.MoneyMoved:
    return contracts.MoneyMoved(
        wallet_id=str(WALLET),
        sequence=2,
        currency="USD",
        balance="12.50",
        held="0.00",
        available="12.50",
        status="active",
        occurred_at="2026-11-21T12:00:00.000005Z",
        transaction_id=str(ENTRY),
        amount="12.50",
        reference_id="ördèr-1",
    )


def test_headers_are_cloudevents_in_binary_mode() -> None:
    headers = contracts.headers(
        event_id=EVENT,
        type_=contracts.DEPOSITED,
        client=7,
        stream=WALLET,
        entry=ENTRY,
        occurred_at=NOON,
    )

    assert headers == [
        ("content-type", b"application/json"),
        ("ce_specversion", b"1.0"),
        ("ce_id", b"01890000-0000-7000-8000-000000000003"),
        ("ce_source", b"/wallets/01890000-0000-7000-8000-000000000001"),
        ("ce_type", b"wallet.deposited.v1"),
        ("ce_time", b"2026-11-21T12:00:00.000005Z"),
        ("ce_subject", b"01890000-0000-7000-8000-000000000002"),
        ("ce_clientid", b"7"),
    ]


def test_an_event_without_a_journal_entry_has_no_subject() -> None:
    headers = contracts.headers(
        event_id=EVENT,
        type_=contracts.CREATED,
        client=7,
        stream=WALLET,
        entry=None,
        occurred_at=NOON,
    )

    assert "ce_subject" not in dict(headers)


@pytest.mark.parametrize("entry", [ENTRY, None])
def test_headers_are_the_attributes_that_are_published(entry: UUID | None) -> None:
    told = contracts.headers(
        event_id=EVENT,
        client=7,
        type_=contracts.CREATED,
        stream=WALLET,
        entry=entry,
        occurred_at=NOON,
    )
    words = {name: value.decode() for name, value in told}

    attributes = msgspec.convert(words, contracts.Attributes)

    assert list(msgspec.to_builtins(attributes).items()) == list(words.items())


def test_bytes_of_a_fact_never_change() -> None:
    assert contracts.encode(moved()).decode() == (
        '{"walletId":"01890000-0000-7000-8000-000000000001","sequence":2,"currency":"USD",'
        '"balance":"12.50","held":"0.00","available":"12.50","status":"active",'
        '"occurredAt":"2026-11-21T12:00:00.000005Z",'
        '"transactionId":"01890000-0000-7000-8000-000000000002","amount":"12.50",'
        '"referenceId":"ördèr-1"}'
    )


def test_a_fact_reads_back_as_itself() -> None:
    decoded = msgspec.json.decode(contracts.encode(moved()), type=contracts.MoneyMoved)

    assert decoded == moved()


@pytest.mark.parametrize("type_", sorted(contracts.TYPES))
def test_every_type_is_a_versioned_fact_about_a_wallet(type_: str) -> None:
    assert type_.startswith("wallet.")
    assert type_.endswith(".v1")
