"""Processes that send webhooks, killed in the middle: everything arrives, the log is whole."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from events.consumers.webhooks.models import WebhookAttempt, WebhookDelivery
from tests import databases
from tests.people import Company, fund
from tests.receiver import receiver
from tests.webhooks import endpoint_of, eventually, fan_out, local_rules, statuses
from wallet_project.kit.database import PRIMARY
from wallets.identity import WalletIdentity

pytestmark = pytest.mark.stress

ROOT = Path(__file__).resolve().parents[3]
SEED = 20_261_121
DELIVERIES = 300
KILLS = 5
SLOW_SECONDS = 1.4
"""How long the receiver takes for a call while there are kills: on a slow machine a process takes
seven seconds to start, and what is to be interrupted must not be over by then."""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Return a function that starts `manage.py deliver_webhooks` and waits until it works; what
    still runs in the end is killed."""
    log = tmp_path / "webhooks.log"
    errors = log.open("ab")
    started: list[subprocess.Popen[bytes]] = []
    rules = {
        "WEBHOOK_ALLOW_HTTP": "yes",
        "WEBHOOK_NETWORKS": "127.0.0.0/8",
        "WEBHOOK_PORTS": "",
        "WEBHOOK_TOTAL_SECONDS": "5",
        "WEBHOOK_LEASE_SECONDS": "6",
        "WEBHOOK_ENDPOINT_CONCURRENCY": "4",
    }

    def run() -> subprocess.Popen[bytes]:
        started.append(
            subprocess.Popen(
                [sys.executable, "manage.py", "deliver_webhooks"],
                cwd=ROOT,
                env=databases.environment() | rules,
                stderr=errors,
            )
        )
        eventually(lambda: log.read_text().count("deliver_webhooks: started") == len(started), 60)
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()
    errors.close()


def test_killed_senders_leave_nothing_out(
    client_acme: Company,
    alice: WalletIdentity,
    settings: Any,
    start: Callable[[], subprocess.Popen[bytes]],
) -> None:
    settings.WEBHOOKS = local_rules()
    chance = random.Random(SEED)
    with receiver(delay_seconds=SLOW_SECONDS) as hook:
        endpoint_of(client_acme, hook.url)
        for _ in range(DELIVERIES):
            fund(alice, 100)
        fan_out()
        # A consumer's session ends after 15 s of silence; on a slow machine that was this one's.
        connections[PRIMARY].close()
        running = [start(), start()]
        for _ in range(KILLS):
            seen = len(hook.calls)
            eventually(lambda seen=seen: len(hook.calls) > seen + 3, 60)  # type: ignore[misc]
            time.sleep(chance.uniform(0, 0.3))
            victim = chance.randrange(len(running))
            running[victim].kill()  # -9, with attempts on their way
            running[victim].wait()
            running[victim] = start()
        seen = len(hook.calls)
        eventually(lambda: len(hook.calls) > seen, 60)
        for process in running:  # whose call that was: it has not been answered yet
            process.kill()
            process.wait()
        hook.delay_seconds = 0.05
        running = [start(), start()]
        eventually(lambda: set(statuses()) == {"SUCCEEDED"}, 120)
        for process in running:
            process.terminate()
        assert [process.wait(20) for process in running] == [0, 0]
        calls = Counter(hook.ids)

    wanted = {str(one) for one in WebhookDelivery.objects.values_list("event_id", flat=True)}
    assert set(calls) == wanted
    assert len(wanted) == DELIVERIES
    attempts = list(WebhookAttempt.objects.values_list("delivery__event_id", "number", "error"))
    assert not WebhookAttempt.objects.filter(finished_at=None).exists()
    # Every call that arrived is in the log, and those whose end nobody saw say so.
    noted = Counter(str(event) for event, *_ in attempts)
    assert all(noted[event] >= count for event, count in calls.items())
    assert {error for *_, error in attempts} <= {"", "interrupted"}
    interrupted = sum(error == "interrupted" for *_, error in attempts)
    assert 0 < interrupted <= (KILLS + 2) * 4
    assert len(attempts) == DELIVERIES + interrupted
    for delivery in WebhookDelivery.objects.all():
        numbers = sorted(n for event, n, _ in attempts if event == delivery.event_id)
        assert numbers == list(range(1, delivery.attempts + 1))
