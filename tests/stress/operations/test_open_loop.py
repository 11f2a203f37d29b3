"""A thousand operations a second on one wallet, whatever the service does: all made, in order."""

from __future__ import annotations

import os
import sys
import time
from uuid import UUID

import pytest

from tests.people import Company, wallet_of
from tests.stress.operations import checks
from tests.stress.operations.processes import Processes
from tests.stress.operations.sending import mixture, send

RATE = float(os.environ.get("OPERATIONS_RATE", "1000"))
CONNECTIONS = 192
"""Fewer than one client may have calls under way; as many as wait, so large are the lists."""
SECONDS = float(os.environ.get("OPERATIONS_SECONDS", "5"))
"""60 for the whole story."""

pytestmark = [
    pytest.mark.full_stack,
    pytest.mark.stress,
    # A machine that does other things as well settles later than it accepts.
    pytest.mark.timeout(300 + int(RATE * SECONDS / 20)),
]


def test_a_thousand_a_second_on_one_wallet_are_all_made_in_order(
    processes: Processes, client_acme: Company, sink: UUID
) -> None:
    hot = wallet_of(client_acme, "hot").id
    number = int(RATE * SECONDS)
    address = processes.lane(client_acme.key)
    processes.relay()
    processes.worker()
    first = send(address, mixture([hot], 1, seed=0), sink)
    processes.until(lambda: checks.settled() == 1, what="the first", seconds=120)

    began = time.monotonic()
    accepted = send(
        address, mixture([hot], number, seed=1), sink, connections=CONNECTIONS, rate=RATE
    )
    answered = time.monotonic()
    processes.until(
        lambda: checks.settled() == number + 1, what="the end of the work", seconds=60 + number / 50
    )
    ended = time.monotonic()

    sys.stdout.write(
        f"\n{number} operations on one wallet: wanted {RATE:,.0f} a second, "
        f"accepted {number / (answered - began):,.0f}, "
        f"settled {number / (ended - began):,.0f}, "
        f"the last {ended - answered:.2f} s after its answer\n"
    )
    checks.everything_is_as_one_after_the_other(first + accepted, sink)
    checks.kafka_tells_operations_in_order()
