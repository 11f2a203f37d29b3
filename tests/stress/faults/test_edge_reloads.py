"""The edge reads its deny list anew, and dies, while money moves: nobody else notices the one, and
nothing is lost by the other."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.stress.faults import checks, parts
from tests.stress.faults.conftest import Stage

pytestmark = [pytest.mark.full_stack, pytest.mark.stress]


def test_the_deny_list_is_read_anew_while_money_moves(stage: Stage) -> None:
    listed = Path(stage.service.environment["DENY_LIST"])
    programs = stage.running.programs()
    (master,) = stage.running.edge_masters()
    reloads = 0

    with stage.load(clients=8) as load:
        for network in ("203.0.113.0/24", "2001:db8::/32", "198.51.100.7"):
            load.wait_for_more(100)
            before = stage.running.edge_processes()
            with listed.open("a") as file:
                file.write(f"{network}\n")
            _reload(stage, master, before)
            reloads += 1
        load.wait_for_more(100)

    assert reloads == 3
    assert stage.running.programs() == programs, "The master stays, and so does all else."
    # The old worker closes connections that wait for a call; who calls in that moment calls again.
    assert not [one for one in stage.journal.answers if one.status >= 500]
    assert not [one for one in stage.journal.answers if one.status == 403]
    stage.settle()
    checks.something_happened(stage.journal, ops=300)


def test_an_edge_that_is_killed_is_back_and_has_lost_nothing(stage: Stage) -> None:
    with stage.load(clients=8) as load:
        for _ in range(2):
            load.wait_for_more(100)
            before = stage.running.edge_processes()
            for victim in before:
                with suppress(ProcessLookupError):  # the master ends what an earlier one has left
                    parts.kill_process(victim)
            parts.until(lambda: stage.running.edge_processes(), what="another edge")
            assert not before & stage.running.edge_processes()
        load.wait_for_more(100)

    assert stage.journal.once_unknown(), "Nobody was cheated of an answer."
    stage.wait_until_well()
    stage.settle()
    checks.something_happened(stage.journal, ops=300)


def _reload(stage: Stage, master: int, before: set[int]) -> None:
    """Have the list read anew; HAProxy can miss a signal in the moment of its own start."""
    told = 0.0

    def has_new_worker() -> bool:
        nonlocal told
        if time.monotonic() - told > 5:
            os.kill(master, signal.SIGUSR2)
            told = time.monotonic()
        return bool(stage.running.edge_processes() - before)

    parts.until(has_new_worker, what="a worker that has read the list anew")
