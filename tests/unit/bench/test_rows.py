"""The loader's rows: what the service would have written, only faster."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from events import contracts, outbox
from tests.bench import indexes, rows
from tests.bench.history import Movement, Past, Wallets, id_at, movements
from wallet_project.kit.clock import rfc3339
from wallet_project.kit.money import format_minor

START = datetime(2026, 1, 1, tzinfo=UTC)
PAST = Past(wallets=7, movements=200, start=START, end=START + timedelta(days=30))
IDS = [id_at(START, place) for place in range(7)]
NAMES = rows.Names(client=5, house=UUID(int=9), topic="wallet.events.v1")
MOVEMENTS = list(movements(PAST, Wallets(7)))


def statements(made: list[Movement]) -> list[str]:
    return rows.Rows(PAST, NAMES, IDS, event=1, position=1).statements(made)


@pytest.mark.parametrize("kind", ["deposit", "withdrawal", "transfer"])
def test_an_event_has_the_bytes_that_the_service_would_freeze(kind: str) -> None:
    movement = next(one for one in MOVEMENTS if one.kind == kind)

    told = re.findall(r"_binary'(.*?)'", statements([movement])[2])

    assert told == [
        contracts.encode(
            contracts.MoneyMoved(
                wallet_id=str(IDS[leg.wallet]),
                sequence=leg.version,
                currency="USD",
                balance=format_minor(leg.balance, "USD"),
                held="0.00",
                available=format_minor(leg.balance, "USD"),
                status="ACTIVE",
                occurred_at=rfc3339(movement.moment),
                transaction_id=str(movement.id),
                amount=format_minor(abs(leg.amount), "USD"),
                reference_id=None,
            )
        ).decode()
        for leg in movement.legs
    ]


def test_a_transfer_is_sent_by_one_and_received_by_the_other() -> None:
    transfer = next(one for one in MOVEMENTS if one.kind == "transfer")

    assert [rows.type_of(transfer, leg) for leg in transfer.legs] == [
        "wallet.transfer_sent.v1",
        "wallet.transfer_received.v1",
    ]


def test_a_deposit_has_a_line_on_the_account_of_the_outside() -> None:
    deposit = next(one for one in MOVEMENTS if one.kind == "deposit")
    amount = deposit.legs[0].amount

    postings = statements([deposit])[1].removeprefix(rows.POSTING).split("),(")

    assert len(postings) == 2
    assert f"x'{NAMES.house.hex}',{-amount},NULL,NULL,NULL" in postings[1]


def test_ids_and_positions_of_events_are_all_different_and_rise() -> None:
    events = statements(MOVEMENTS)[2].removeprefix(rows.EVENT).split("),(")
    ids = [UUID(event.lstrip("(")[2:34]) for event in events]
    positions = [int(event.rstrip(")").split(",")[-2]) for event in events]

    assert positions == list(range(1, len(events) + 1))
    assert ids == sorted(set(ids))
    assert {(one.version, one.variant) for one in ids} == {(7, "specified in RFC 4122")}


def test_shards_are_those_of_the_outbox() -> None:
    made = rows.Rows(PAST, NAMES, IDS, event=1, position=1)

    assert made._shards == [outbox.shard_of(wallet) for wallet in IDS]


def test_secondary_indexes_are_read_from_what_the_server_says() -> None:
    created = """CREATE TABLE `posting` (
  `id` bigint NOT NULL AUTO_INCREMENT,
  `account_id` binary(16) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `posting_sequence` (`account_id`,`sequence`),
  KEY `posting_by_time` (`account_id`,`posted_at`),
  CONSTRAINT `floor` CHECK (`a` >= 0)
) ENGINE=InnoDB"""

    assert indexes.secondary(created) == {
        "posting_sequence": "UNIQUE KEY `posting_sequence` (`account_id`,`sequence`)",
        "posting_by_time": "KEY `posting_by_time` (`account_id`,`posted_at`)",
    }
