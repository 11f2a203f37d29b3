"""Payouts against a gateway in its worst mood, by workers that are killed again and again.

`PAYOUTS=1000` makes it the long run.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connections

from tests import databases
from tests.gateway import sandbox
from tests.people import Company, asks, fund, wallet_of
from wallets import verification
from wallets.identity import WalletIdentity
from wallets.models import OPEN, Hold, Payout, Wallet
from wallets.operations.request_payout import request_payout
from wallets.payouts.sandbox import Mood, Sandbox

pytestmark = [pytest.mark.stress, pytest.mark.timeout(1_500)]

ROOT = Path(__file__).resolve().parents[2]
COUNT = int(os.environ.get("PAYOUTS", "200"))
AMOUNT = 100
WALLETS = 8
WORKERS = 2
KILLS = 6
WORST = Mood(
    slow=5,
    slow_milliseconds=1_500,
    fail=10,
    fail_late=10,
    lose=15,
    twice=10,
    garbage=5,
    refuse=15,
    pending=10,
)

Start = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a worker; whatever still runs at the end is killed."""
    errors = (tmp_path / "workers.log").open("ab")
    started: list[subprocess.Popen[bytes]] = []

    def run(url: str) -> subprocess.Popen[bytes]:
        environment = databases.environment() | {
            "PAYOUT_GATEWAY_URL": url,
            "PAYOUT_GATEWAY_TIMEOUT_SECONDS": "1",
            "PAYOUT_RETRY_SECONDS": "1",
            "PAYOUT_RETRY_MAX_SECONDS": "1",
        }
        started.append(
            subprocess.Popen(
                [sys.executable, "manage.py", "run_payouts"],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        )
        return started[-1]

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()
    errors.close()


def request_all(wallets: list[WalletIdentity]) -> None:
    def one(number: int) -> None:
        wallet = wallets[number % WALLETS]
        try:
            request = asks(AMOUNT, wallet=wallet, key=f"payout-{number}")
            request_payout(wallet=wallet, request=request, destination={"number": number})
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(COUNT)))


def waiting() -> int:
    return Payout.objects.filter(status__in=OPEN).count()


def run_and_kill(server: Sandbox, start: Start) -> int:
    """Keep two workers going until nothing waits; kill one every few seconds until enough died."""
    chance = random.Random(7)
    workers = [start(server.url) for _ in range(WORKERS)]
    killed, deadline = 0, time.monotonic() + 600 + COUNT
    next_kill = time.monotonic() + 5
    while waiting():
        assert time.monotonic() < deadline, Counter(Payout.objects.values_list("status", "reason"))
        if killed < KILLS and time.monotonic() > next_kill:
            victim = chance.randrange(WORKERS)
            assert workers[victim].poll() is None
            workers[victim].kill()
            workers[victim].wait()
            workers[victim] = start(server.url)
            killed += 1
            next_kill = time.monotonic() + chance.uniform(3, 6)
        time.sleep(0.2)
    for worker in workers:
        worker.terminate()
        assert worker.wait(30) == 0
    return killed


def test_each_is_paid_once_or_released_once(client_acme: Company, start: Start) -> None:
    wallets = [wallet_of(client_acme, f"payer-{number}") for number in range(WALLETS)]
    for wallet in wallets:
        fund(wallet, COUNT * AMOUNT)
    request_all(wallets)
    assert waiting() == COUNT

    with sandbox(WORST) as server:
        killed = run_and_kill(server, start)
        decided = dict(server.ledger.decided)

    assert killed >= 3, "the workers were through before they could be killed"
    rows = list(Payout.objects.all())
    # Sent and settled are two steps; whoever needed more met the gateway's mood, or a death.
    assert sum(row.attempts > 2 for row in rows) > COUNT / 5
    ends = Counter(str(row.status) for row in rows)
    assert set(ends) == {"PAID", "REFUSED"}
    assert sum(ends.values()) == COUNT
    for row in rows:
        at_gateway = decided[str(row.id)]["status"]
        hold = Hold.objects.get(pk=row.id)
        assert (row.status == "PAID") == (at_gateway == "paid"), row.id
        assert hold.status == ("CAPTURED" if row.status == "PAID" else "VOIDED")
        assert hold.entry == row.entry
    paid = ends["PAID"] * AMOUNT
    money = Wallet.objects.values_list("balance", "held")
    assert sum(balance for balance, _ in money) == WALLETS * COUNT * AMOUNT - paid
    assert {held for _, held in money} == {0}
    assert verification.verify().findings == []
