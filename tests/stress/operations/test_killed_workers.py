"""Workers killed with -9 and joined by others on the way: each operation once, in its order."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import UUID

import pytest

from tests.people import Company, wallet_of
from tests.stress.operations import checks
from tests.stress.operations.processes import Processes
from tests.stress.operations.sending import mixture, send

OPERATIONS = int(os.environ.get("OPERATIONS", "2000"))
"""20,000 for the whole story."""
KILLS = 5
SMALL = str(max(OPERATIONS // 40, 1))
STEPS = {"OPERATIONS_BATCH": SMALL, "GROUP_COMMIT_LIST_LENGTH": SMALL}
"""Small steps, so that a worker is killed on the way and not when a few long lists have done it."""
SECONDS = 120 + OPERATIONS / 20

pytestmark = [
    pytest.mark.full_stack,
    pytest.mark.stress,
    pytest.mark.timeout(300 + 2 * int(SECONDS)),
]


def kill_workers(processes: Processes) -> list[int]:
    """Kill the worker five times, a sixth of the work apart; let another join after the second.

    Returns how much was still to be done at each kill.
    """
    left = []
    for kill in range(1, KILLS + 1):
        worker = processes.worker(**STEPS)
        share = OPERATIONS * kill // (KILLS + 1)
        processes.until(partial(_are_settled, share), what="work", seconds=SECONDS)
        worker.kill()
        assert worker.wait(10) == -signal.SIGKILL
        left.append(OPERATIONS - checks.settled())
        if kill == 2:
            processes.worker(
                **STEPS
            )  # takes over half of the partitions, and gives some back later
    processes.worker(**STEPS)
    return left


def _are_settled(number: int) -> bool:
    return checks.settled() >= number


@pytest.mark.parametrize("wallets", [200, 1])
def test_each_is_made_once_in_its_order_whatever_happens_to_workers(
    processes: Processes, client_acme: Company, sink: UUID, wallets: int
) -> None:
    people = [wallet_of(client_acme, f"customer-{n}").id for n in range(wallets)]
    wanted = mixture(people, OPERATIONS, seed=wallets)
    address = processes.lane(client_acme.key)
    processes.relay()
    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(kill_workers, processes)
        accepted = send(address, wanted, sink)
        left = killing.result()
    processes.until(
        lambda: checks.settled() == OPERATIONS, what="the end of the work", seconds=SECONDS
    )

    assert len(left) == KILLS
    assert min(left) > 0, "a worker was killed when there was nothing left to do"
    checks.everything_is_as_one_after_the_other(accepted, sink)
    checks.kafka_tells_operations_in_order()
