"""Redis dies while the worker is in the midst of a task: the next one is done all the same."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connections, transaction

from tests import databases, outages
from tests.chaos.proxy import LOOPBACK, Mode, Proxy, Roads, Terms
from tests.people import asks, fund
from tests.stress.long_task import last
from wallet_project.celery import app
from wallets.identity import WalletIdentity
from wallets.models import Hold, HoldStatus
from wallets.operations import place_hold
from wallets.operations.place_hold import Expiry

pytestmark = [pytest.mark.full_stack, pytest.mark.stress, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
QUEUE = "deaf"
SILENCE_SECONDS = 5
SECONDS = 120.0
"""Patience for a busy machine; a deaf worker stays deaf for ever."""


@pytest.fixture
def road() -> Iterator[Proxy]:
    """The way from the worker to Redis."""
    with Roads() as roads:
        yield roads.open("redis", to=urlsplit(settings.REDIS_URL).port or 0)


@pytest.fixture
def worker(database: None, road: Proxy, tmp_path: Path) -> Iterator[Path]:
    """A worker as it is run, with a queue of its own; its log."""
    alone = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    words = ("--pool", "solo", "--concurrency", "1", "--queues", QUEUE, *alone)
    long = ("--include", "tests.stress.long_task")
    where = urlsplit(settings.REDIS_URL)
    environment = databases.environment() | {
        "CELERY_BROKER_URL": f"redis://{LOOPBACK}:{road.port}{where.path}",
        "WORKER_SILENCE_SECONDS": str(SILENCE_SECONDS),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.stress.supervised_worker", str(tmp_path), *words, *long],
        cwd=ROOT,
        env=environment,
    )
    yield tmp_path / "worker.log"
    process.terminate()
    process.wait()


def test_a_worker_that_could_not_acknowledge_a_task_is_replaced_by_one_that_hears(
    worker: Path, road: Proxy, alice: WalletIdentity
) -> None:
    """The message stayed unacknowledged for ever, and a worker fetches only one at a time."""
    fund(alice, 1_000)
    first = _expired_hold(alice)
    with transaction.atomic(), connections["default"].cursor() as cursor:
        cursor.execute("SELECT 1 FROM wallets_wallet WHERE id = %s FOR UPDATE", [alice.id.bytes])
        _send()
        _until(_somebody_waits_for_a_row, "the worker at work")
        road.set(Terms(Mode.RESET))  # whoever is connected is cut off at once
        away = outages.redis_killed()
        away.__enter__()
    try:
        _until(lambda: _has_ended(first), "the end of the task in hand")
        time.sleep(1)  # so long the worker takes at most to find nobody who takes its word
    finally:
        away.__exit__(None, None, None)
        road.heal()
    second = _expired_hold(alice)

    deadline = time.monotonic() + SECONDS
    while not _has_ended(second):
        assert time.monotonic() < deadline, f"The worker is deaf.\n{worker.read_text()[-4_000:]}"
        _send()
        time.sleep(1)


def test_a_long_task_is_no_deafness(worker: Path, tmp_path: Path) -> None:
    """Messages wait behind it for longer than a silent worker is borne."""
    done = tmp_path / "done"
    last.apply_async((SILENCE_SECONDS + 4, str(done)), queue=QUEUE)
    _send()
    _until(done.exists, "the end of the long task")
    log = worker.read_text()
    assert "worker.deaf" not in log
    assert log.count(" ready.") == 1, log


def _send() -> None:
    app.send_task("wallets.tasks.expire_holds", queue=QUEUE)


def _expired_hold(wallet: WalletIdentity) -> UUID:
    expiry = Expiry(after=timedelta(seconds=1))
    hold = place_hold.place_hold(wallet=wallet, request=asks(5, wallet=wallet), expiry=expiry)
    time.sleep(1.1)
    return hold.id


def _has_ended(hold: UUID) -> bool:
    return Hold.objects.filter(pk=hold, status=HoldStatus.EXPIRED).exists()


def _somebody_waits_for_a_row() -> bool:
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'"
        )
        return bool(cursor.fetchone()[0])


def _until(look: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not look():
        assert time.monotonic() < deadline, f"{what}: not within {SECONDS:g} s"
        time.sleep(0.2)
