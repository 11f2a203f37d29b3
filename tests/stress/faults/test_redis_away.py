"""Redis is killed and emptied while money moves: it holds nothing that anybody misses."""

from __future__ import annotations

import os
import time

import pytest
import redis

from deploy.stack import layout
from tests.stress.faults import checks, parts
from tests.stress.faults.conftest import Stage
from tests.stress.faults.journal import minor_of
from tests.stress.faults.load import Caller

pytestmark = [pytest.mark.full_stack, pytest.mark.stress]

CACHED_SECONDS = 10.0


def test_redis_killed_and_emptied_at_work_costs_nobody_a_cent(stage: Stage) -> None:
    programs = stage.running.programs() | stage.running.web_processes()

    with stage.load(clients=8) as load:
        load.wait_for_more(100)
        _empty()
        load.wait_for_more(100)
        killed = parts.kill(layout.REDIS)
        load.wait_for_more(300)
        parts.start(layout.REDIS)
        load.wait_for_more(100)
        _empty()
        load.wait_for_more(100)
    ended = time.monotonic()

    wrong = _cached_otherwise(stage)
    while wrong and time.monotonic() < ended + CACHED_SECONDS:
        time.sleep(0.2)
        wrong = _cached_otherwise(stage)
    assert wrong == {}, "Balances that are told without a version are not the books'."
    assert parts.pid_of(layout.REDIS) != killed
    assert stage.running.programs() | stage.running.web_processes() == programs
    checks.no_answer_was_a_failure(stage.journal)
    stage.wait_until_well()
    stage.settle()
    checks.something_happened(stage.journal, ops=500)


def _empty() -> None:
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as connection:
        connection.flushall()


def _cached_otherwise(stage: Stage) -> dict[str, tuple[int, int]]:
    """Return the wallets whose balance is told otherwise than it is in the books."""
    caller = Caller(stage.service)
    found = {}
    for wallet, balance in stage.read_books().balances.items():
        told = minor_of(caller.send("GET", f"/wallets/{wallet}/balance").json["balance"])
        if told != balance:
            found[wallet] = (told, balance)
    return found
