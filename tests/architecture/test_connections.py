"""Whoever calls Kafka goes by the settings of the connection: TLS, user and password."""

from __future__ import annotations

import ast
from typing import Final

from tests.architecture.source import APPS, Breach, Source, python, report, sample

THE_CLIENTS: Final = "events/kafka_clients.py"
_MADE_THERE: Final = frozenset({"KafkaProducer", "KafkaConsumer", "KafkaAdminClient"})


def clients_made(sources: list[Source]) -> list[Breach]:
    """Find imports of what makes a client of Kafka."""
    return [
        Breach(source.path, node.lineno, f"imports {alias.name}")
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in _MADE_THERE
    ]


def test_clients_of_kafka_are_made_in_one_place() -> None:
    """One that is made elsewhere would speak without TLS where all others speak with it."""
    breaches = clients_made(python(*APPS))
    assert {one.path for one in breaches} == {THE_CLIENTS}, report(breaches)


def test_the_rule_finds_a_client_made_elsewhere() -> None:
    assert clients_made([sample("from kafka import KafkaProducer, TopicPartition")])
