"""The measured traps of the write path, set again on purpose. Each has bitten an earlier shape."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import Any

import pytest
from django.db import connections, transaction

from tests import databases
from tests.people import Company, asks, balance, fund, wallet_of
from wallets import verification
from wallets.identity import WalletIdentity
from wallets.operations import _movement, group_commit
from wallets.operations import deposit as deposit_verb

pytestmark = [pytest.mark.full_stack, pytest.mark.stress]

PROCESSES = 4


def in_processes(job: str, **arguments: Any) -> list[dict[str, Any]]:
    """Run a job of `worker.py` in four processes that start together; return what each saw."""
    start_at = time.time() + 4
    running = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.stress.worker",
                job,
                json.dumps({**arguments, "start_at": start_at, "seed": number}),
            ],
            env=databases.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    reports = []
    for process in running:
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, err[-2000:]
        reports.append(json.loads(out))
    return reports


def deadlocks() -> int:
    """Read how many deadlocks the primary has seen since its start."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT COUNT FROM information_schema.INNODB_METRICS WHERE NAME = 'lock_deadlocks'"
        )
        row = cursor.fetchone()
    return int(row[0])


def test_one_withdrawal_sent_by_four_processes_is_paid_once_and_never_refused(
    client_acme: Company,
) -> None:
    """Keys looked up before the lock told every twin "insufficient funds": 600 of 600."""
    people = [wallet_of(client_acme, f"w{number}") for number in range(100)]
    for wallet in people:
        fund(wallet, 1)

    reports = in_processes(
        "same_withdrawals",
        client=client_acme.id,
        wallets=[f"w{number}" for number in range(100)],
        amount=1,
        pause_seconds=0.04,
    )

    seen: Counter[str] = sum((Counter(report["seen"]) for report in reports), Counter())
    assert seen == {"ok": 100, "replayed": 300}
    told = {json.dumps(report["records"], sort_keys=True) for report in reports}
    assert len(told) == 1
    assert {balance(wallet) for wallet in people} == {0}
    assert verification.verify().findings == []


def test_lists_that_share_keys_in_different_orders_never_deadlock(client_acme: Company) -> None:
    """Entries inserted unsorted by key: 31 deadlocks in 600 lists."""
    people = [wallet_of(client_acme, f"w{number}") for number in range(PROCESSES)]
    before = deadlocks()

    reports = in_processes(
        "lists_with_shared_keys",
        client=client_acme.id,
        wallets=[f"w{number}" for number in range(PROCESSES)],
        lists=40,
        length=24,
    )

    seen: Counter[str] = sum((Counter(report["seen"]) for report in reports), Counter())
    assert seen == {"ok": 40 * 24, "idempotency_key_reused": 3 * 40 * 24}
    assert deadlocks() - before == 0
    assert sum(balance(wallet) for wallet in people) == 40 * 24
    assert verification.verify().findings == []


def test_a_list_waits_for_no_wallet_that_it_does_not_name(client_acme: Company) -> None:
    """On a small table MySQL scans for `id IN (…)` and stops at a stranger's lock."""
    people = [wallet_of(client_acme, f"w{number}") for number in range(60)]
    held, release = threading.Event(), threading.Event()
    holder = threading.Thread(target=_hold, args=(people[5], held, release))
    holder.start()
    held.wait(10)
    named = [wallet for number, wallet in enumerate(people) if number != 5][:50]

    started = time.monotonic()
    try:
        outcomes = _movement.execute(
            [
                deposit_verb.command(wallet=wallet, request=asks(1, wallet=wallet))
                for wallet in named
            ]
        )
    finally:
        release.set()
        holder.join(20)

    assert all(outcome.error is None for outcome in outcomes)
    assert time.monotonic() - started < 2


def test_lists_on_sixty_wallets_from_four_processes_never_deadlock(client_acme: Company) -> None:
    """Without the index hint the lock SELECT scans: 126 deadlocks in 300 lists."""
    people = [wallet_of(client_acme, f"w{number}") for number in range(60)]
    for wallet in people:
        fund(wallet, 1_000_000)
    before = deadlocks()

    reports = in_processes(
        "lists_of_transfers",
        client=client_acme.id,
        wallets=[f"w{number}" for number in range(60)],
        lists=60,
        length=32,
    )

    seen: Counter[str] = sum((Counter(report["seen"]) for report in reports), Counter())
    assert seen == {"ok": 4 * 60 * 32}
    assert deadlocks() - before == 0
    assert sum(balance(wallet) for wallet in people) == 60 * 1_000_000
    assert verification.verify().findings == []


def test_a_wallet_locked_elsewhere_holds_up_nobody_else(client_acme: Company) -> None:
    """Without the slow lane one locked wallet of a hundred left 32 commands done in 7 seconds."""
    people = [wallet_of(client_acme, f"w{number}") for number in range(100)]
    locked, others = people[0], people[1:]
    held, release = threading.Event(), threading.Event()
    holder = threading.Thread(target=_hold, args=(locked, held, release))
    holder.start()
    held.wait(10)
    stuck = [_deposit(locked) for _ in range(5)]
    try:
        started = time.monotonic()
        done = 0
        slowest = 0.0
        while time.monotonic() - started < 6:
            sent = time.monotonic()
            # Alternate with the locked wallet, so that every list has a blocked row to carry.
            stuck.append(_deposit(locked))
            for future in [_deposit(wallet) for wallet in others]:
                assert future.result(8).error is None
                done += 1
            slowest = max(slowest, time.monotonic() - sent)
    finally:
        release.set()
        holder.join(20)

    assert done >= 1_000
    assert slowest < 4  # the first list waits for its one second, none waits for the slow lane
    outcomes = Counter(type(future.exception(20)).__name__ for future in stuck)
    paid = outcomes["NoneType"]
    assert set(outcomes) <= {"NoneType", "RowsBusy", "DeadlinePassed"}
    assert balance(locked) == paid
    assert verification.verify().findings == []


def _deposit(wallet: WalletIdentity) -> Any:
    return group_commit.submit(deposit_verb.command(wallet=wallet, request=asks(1, wallet=wallet)))


def _hold(wallet: WalletIdentity, held: threading.Event, release: threading.Event) -> None:
    with transaction.atomic(), connections["default"].cursor() as cursor:
        cursor.execute("SELECT 1 FROM wallets_wallet WHERE id = %s FOR UPDATE", [wallet.id.bytes])
        held.set()
        release.wait(30)
    connections["default"].close()
