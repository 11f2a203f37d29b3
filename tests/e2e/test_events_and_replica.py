"""What the world learns of the printed calls: facts in a real Kafka, rows on the replica."""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit
from uuid import UUID

import MySQLdb
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from kafka import KafkaConsumer

from tests import outages
from tests.e2e.services import Service
from tests.e2e.test_published_calls import CREATE, DEPOSIT, TRANSFER, WITHDRAW

pytestmark = pytest.mark.full_stack

T = TypeVar("T")


def until(look: Callable[[], T | None], *, seconds: float = 30) -> T:
    """Look again and again until something is there."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, "It did not come in time."
        time.sleep(0.2)


@pytest.fixture
def wallets(full_service: Service) -> tuple[str, str]:
    """Two wallets after the printed deposit, withdrawal and transfer."""
    source = full_service.curl(CREATE).body["id"]
    destination = full_service.curl(CREATE).body["id"]
    for printed in (DEPOSIT, WITHDRAW):
        assert full_service.curl(printed, walletId=source).status == 201
    assert full_service.curl(TRANSFER, sourceId=source, destId=destination).status == 201
    return source, destination


def test_every_fact_is_in_kafka_in_the_order_of_its_wallet(
    wallets: tuple[str, str], topic: str
) -> None:
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        group_id=None,
    )
    facts: defaultdict[str, list[Any]] = defaultdict(list)

    def all_there() -> bool:
        for records in consumer.poll(timeout_ms=500).values():
            for record in records:
                facts[record.key.decode()].append(record)
        return len(facts[wallets[0]]) >= 4 and len(facts[wallets[1]]) >= 2

    until(all_there)
    consumer.close()

    source, destination = (facts[wallet] for wallet in wallets)
    assert [json.loads(record.value)["sequence"] for record in source] == [1, 2, 3, 4]
    assert [json.loads(record.value)["sequence"] for record in destination] == [1, 2]
    assert _types(source) == [
        "wallet.created.v1",
        "wallet.deposited.v1",
        "wallet.withdrawn.v1",
        "wallet.transfer_sent.v1",
    ]
    assert _types(destination) == ["wallet.created.v1", "wallet.transfer_received.v1"]
    assert [json.loads(record.value)["balance"] for record in source] == [
        "0.00",
        "100.00",
        "50.00",
        "25.00",
    ]
    assert json.loads(destination[1].value)["balance"] == "25.00"
    assert len({record.partition for record in source}) == 1


def _types(records: list[Any]) -> list[str]:
    return [dict(record.headers)["ce_type"].decode() for record in records]


def test_a_fact_is_a_cloudevent_to_a_foreign_library(
    wallets: tuple[str, str], topic: str, full_service: Service
) -> None:
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        group_id=None,
    )

    def deposited() -> Any:
        for records in consumer.poll(timeout_ms=500).values():
            for record in records:
                headers = dict(record.headers)
                if record.key == wallets[0].encode() and b"deposited" in headers["ce_type"]:
                    return record
        return None

    record = until(deposited)
    consumer.close()
    event = from_binary(
        KafkaMessage(headers=dict(record.headers), key=record.key, value=record.value),
        JSONFormat(),
    )

    data = event.get_data()
    assert event.get_specversion() == "1.0"
    assert event.get_source() == f"/wallets/{wallets[0]}"
    assert isinstance(data, dict)
    assert event.get_subject() == data["transactionId"]
    shown = full_service.curl(
        f"curl http://localhost:8080/api/v1/transactions/{event.get_subject()}"
    )
    assert shown.body["referenceId"] == data["referenceId"] == "dep123"
    assert not {"description", "metadata", "userId"} & set(data)


def test_a_version_reads_ones_own_writes_while_the_replica_is_late(full_service: Service) -> None:
    wallet = full_service.curl(CREATE).body["id"]
    url = f"http://localhost:8080/api/v1/wallets/{wallet}"
    with outages.replica_delayed(5):
        version = full_service.curl(DEPOSIT, walletId=wallet).body["version"]
        for path in ("", "/balance", "/transactions"):
            shown = full_service.curl(f'curl -H "X-Min-Version: {version}" {url}{path}').body
            assert shown.get("items", [shown])[0]["balance"] == "100.00"


def test_the_rows_are_on_the_replica(full_service: Service, wallets: tuple[str, str]) -> None:
    where = urlsplit(full_service.environment["DATABASE_REPLICA_URL"])
    replica = MySQLdb.connect(
        host=where.hostname,
        port=where.port,
        user=where.username,
        passwd=unquote(where.password or ""),
        db=where.path.strip("/"),
        autocommit=True,
    )

    def on_replica() -> Any:
        with replica.cursor() as cursor:
            cursor.execute(
                "SELECT w.balance, COUNT(p.id), SUM(p.amount) FROM wallets_wallet w "
                "JOIN ledger_posting p ON p.account_id = w.id WHERE w.id = %s "
                "GROUP BY w.id, w.balance",
                [UUID(wallets[0]).bytes],
            )
            row = cursor.fetchone()
        return row if row and row[1] == 3 else None

    balance, postings, total = until(on_replica)
    replica.close()

    assert (balance, postings, int(total)) == (2500, 3, 2500)
