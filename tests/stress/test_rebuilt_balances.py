"""Balances rebuilt under live traffic by a command that is killed twice on its way.

`REBUILD_WALLETS=100000 REBUILD_POSTINGS=1000000` is the whole story.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from django.db import connections

from tests import databases
from tests.bench import load
from tests.bench.messages import Address
from tests.people import Company
from tests.stress.operations.processes import Processes
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.models import AuditRecord
from wallets import verification
from wallets.models import BalanceRebuild, Wallet, WalletStatus

WALLETS: Final = int(os.environ.get("REBUILD_WALLETS", "300"))
POSTINGS: Final = int(os.environ.get("REBUILD_POSTINGS", "3000"))
ONE_SPOILT_OF: Final = 20
THREADS: Final = 4
HOT: Final = 5
"""So many wallets have half of the traffic."""
BATCH: Final = max(1, min(100, WALLETS // 100))
SECONDS: Final = 300 + WALLETS / 20

pytestmark = [
    pytest.mark.full_stack,
    pytest.mark.stress,
    pytest.mark.timeout(900 + int(SECONDS) * 4),
]

REASON: Final = "rows were changed by hand"
_ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(slots=True)
class Traffic:
    """What callers saw."""

    answers: Counter[int] = field(default_factory=Counter)
    slowest_seconds: float = 0.0
    wallets: set[UUID] = field(default_factory=set)


@pytest.fixture
def processes(tmp_path: Path, database: None) -> Iterator[Processes]:
    found = Processes(databases.environment(), tmp_path / "processes.log")
    yield found
    found.end()


def filled(client: Company, capsys: pytest.CaptureFixture[str]) -> list[UUID]:
    """Write a past and return the wallets that have it."""
    words = ["--postings", str(POSTINGS), "--wallets", str(WALLETS), "--client", client.name]
    assert load.main(words) == 0
    made = json.loads(capsys.readouterr().out)["wallets"]
    return [UUID(wallet) for wallet in made]


def spoil(wallets: list[UUID]) -> None:
    """Change rows by raw SQL, each in one of four ways."""
    ways = (
        "balance = balance + 777",
        "held = 5",
        "posting_sequence = posting_sequence + 3, last_posted_at = NULL",
        "version = version - 1",
    )
    with connections[PRIMARY].cursor() as cursor:
        for place, wallet in enumerate(wallets):
            way = ways[place % len(ways)]
            cursor.execute(f"UPDATE wallets_wallet SET {way} WHERE id = %s", [wallet.bytes])


@contextmanager
def traffic(address: Address, wallets: list[UUID]) -> Iterator[Traffic]:
    """Let callers deposit and transfer over HTTP until the block ends; no answer is thrown away."""
    stop = threading.Event()
    with ThreadPoolExecutor(THREADS) as pool:
        running = [pool.submit(_calls, address, wallets, number, stop) for number in range(THREADS)]
        seen = Traffic()
        try:
            yield seen
            assert not any(one.done() for one in running), [_why(one) for one in running]
        finally:
            stop.set()
        for one in running:
            part = one.result()
            seen.answers += part.answers
            seen.slowest_seconds = max(seen.slowest_seconds, part.slowest_seconds)
            seen.wallets |= part.wallets


def _why(one: Future[Traffic]) -> str:
    return repr(one.exception()) if one.done() else "runs"


def _calls(address: Address, wallets: list[UUID], number: int, stop: threading.Event) -> Traffic:
    chance, seen = random.Random(number), Traffic()
    connection = http.client.HTTPConnection(address.host, address.port, timeout=20)
    while not stop.is_set():
        hot = chance.random() < 0.5
        first, second = chance.sample(wallets[:HOT] if hot else wallets, 2)
        body = {"amount": "0.01", "referenceId": str(uuid4())}
        verb = "deposit"
        if chance.random() < 0.7:
            verb = "transfer"
            body["destinationWalletId"] = str(second)
        headers = {**address.headers, "Idempotency-Key": str(uuid4())}
        began = time.monotonic()
        connection.request("POST", f"/api/v1/wallets/{first}/{verb}", json.dumps(body), headers)
        answer = connection.getresponse()
        answer.read()
        seen.slowest_seconds = max(seen.slowest_seconds, time.monotonic() - began)
        seen.answers[answer.status] += 1
        seen.wallets.add(first)
        time.sleep(0.002)
    connection.close()
    return seen


def rebuilds(*more: str) -> subprocess.Popen[str]:
    words = ["rebuild_balances", "--reason", REASON, "--no-input", "--json"]
    return subprocess.Popen(
        [sys.executable, "manage.py", *words, "--batch-size", str(BATCH), *more],
        cwd=_ROOT,
        # Whether so many take a second person is another story.
        env=databases.environment() | {"REBUILD_UNAPPROVED_WALLETS": str(WALLETS)},
        stdout=subprocess.PIPE,
        text=True,
    )


def killed_at(share: int) -> int:
    """Start the command, kill it with -9 when so many wallets are done; return how many were."""
    process = rebuilds()
    deadline = time.monotonic() + SECONDS
    try:
        while _done() < share:
            assert process.poll() is None, "It ended before it could be killed."
            assert time.monotonic() < deadline, f"{_done()} of {share} wallets are done."
            time.sleep(0.01)
    finally:
        process.kill()
    process.communicate(timeout=10)
    assert process.returncode == -signal.SIGKILL
    return _done()


def _done() -> int:
    return sum(BalanceRebuild.objects.using(PRIMARY).values_list("wallets", flat=True))


def ended(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any]]:
    out, _ = process.communicate(timeout=SECONDS)
    return process.returncode, json.loads(out)


def test_balances_are_rebuilt_under_live_traffic_and_two_kills(
    client_acme: Company, processes: Processes, capsys: pytest.CaptureFixture[str]
) -> None:
    people = filled(client_acme, capsys)
    spoilt = people[::ONE_SPOILT_OF]
    spoil(spoilt)
    # Money that moves on a spoilt balance makes books that no rebuild can mend.
    right = [wallet for wallet in people if wallet not in set(spoilt)]

    with traffic(processes.lane(client_acme.key), right) as seen:
        first = killed_at(WALLETS // 3)
        second = killed_at(2 * WALLETS // 3)
        code, report = ended(rebuilds())
        again, afterwards = ended(rebuilds("--dry-run"))

    assert WALLETS // 3 <= first < second < WALLETS
    assert (code, report["wallets"], report["left"]) == (2, WALLETS, 0)
    assert report["mended"] == len(spoilt)
    assert (again, afterwards["differing"]) == (0, 0)
    audited = AuditRecord.objects.using(PRIMARY).filter(action="wallet.rebuild_balance")
    assert sorted(audited.values_list("subject", flat=True)) == sorted(map(str, spoilt))
    assert set(seen.answers) == {201}, seen.answers
    assert seen.answers[201] > 100
    assert not Wallet.objects.using(PRIMARY).exclude(status=WalletStatus.ACTIVE).exists()
    assert verification.verify().findings == []
    with capsys.disabled():
        print(  # noqa: T201 - figures for whoever runs the whole story
            f"\n{WALLETS} wallets, {POSTINGS} postings, {len(spoilt)} mended; "
            f"{seen.answers[201]} calls, the slowest took {seen.slowest_seconds:.3f} s; "
            f"wallets were locked for {report['longestLockSeconds']:.3f} s at most"
        )
