"""From an operation to a receiver, by way of Kafka: relay, consumers and senders as processes."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as configured
from django.db import connections

from events import relay, topics
from events.broker import broker
from tests import databases
from tests.people import Company, fund
from tests.receiver import receiver
from tests.webhooks import deliveries, endpoint_of, eventually, local_rules
from wallet_project.kit.database import PRIMARY
from wallets.identity import WalletIdentity

pytestmark = [pytest.mark.stress, pytest.mark.full_stack]

ROOT = Path(__file__).resolve().parents[3]
RULES = {
    "WEBHOOK_ALLOW_HTTP": "yes",
    "WEBHOOK_NETWORKS": "127.0.0.0/8",
    "WEBHOOK_PORTS": "",
}


@pytest.fixture
def prefix(settings: Any) -> str:
    """Topics of this story alone: the run's own hold whatever other tests have sent."""
    before: str = settings.KAFKA_TOPIC_PREFIX
    now = f"test-{uuid4()}."
    for name in dir(configured):
        if name.startswith("KAFKA_TOPIC_"):
            setattr(settings, name, now + str(getattr(configured, name)).removeprefix(before))
    return now


def start(prefix: str, *words: str) -> subprocess.Popen[str]:
    """Start a command and wait until it says that it has: before that SIGTERM just ends it."""
    command = [sys.executable, "manage.py", *words]
    environment = databases.environment() | RULES | {"KAFKA_TOPIC_PREFIX": prefix}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    while ": started" not in (line := process.stderr.readline()):
        assert line, f"{words} ended before it began"
    # Nobody reads on; what more it says fits the pipe.
    return process


def test_what_kafka_has_is_told(
    prefix: str, settings: Any, client_acme: Company, alice: WalletIdentity
) -> None:
    settings.WEBHOOKS = local_rules()
    topics.ensure(topics.wanted(), wait_seconds=60, say=lambda _: None)
    running: list[subprocess.Popen[str]] = []
    with receiver() as hook:
        endpoint_of(client_acme, hook.url)
        for _ in range(20):
            fund(alice, 100)
        relay.drain_all(broker(), threading.Event())
        try:
            running += [start(prefix, "consume", "webhooks") for _ in range(2)]
            running += [start(prefix, "deliver_webhooks") for _ in range(2)]
            eventually(lambda: len(set(hook.ids)) == 20, 90)
        finally:
            for process in running:
                process.terminate()
            ends = [process.wait(60) for process in running]
        assert len(hook.calls) == 20  # nobody was killed, so nothing came twice
    assert ends == [0] * 4
    connections[PRIMARY].close()  # the relay has made the session one that may not idle for long
    assert deliveries().count() == 20
    assert configured.KAFKA_TOPIC_WEBHOOKS in {topic.name for topic in topics.wanted()}
