"""A web process and the primary are killed while money moves: what was told stays true."""

from __future__ import annotations

import time

import pytest

from deploy.stack import layout
from tests.stress.faults import books, checks, parts
from tests.stress.faults.conftest import Stage
from tests.stress.faults.journal import NO_ANSWER, Outcome

pytestmark = [pytest.mark.full_stack, pytest.mark.stress]

KILLS = 3


def test_web_processes_killed_at_work_lose_nothing_and_come_back(stage: Stage) -> None:
    programs = stage.running.programs()
    killed: set[int] = set()
    at_first = len(stage.running.web_processes())
    assert at_first >= 2

    with stage.load() as load:
        for _ in range(KILLS):
            load.wait_for_more(150)
            victim = min(stage.running.lane_processes())
            books.wait_for_commit(stage.database)  # or nobody is ever cheated of an answer
            parts.kill_process(victim)
            killed.add(victim)
            parts.until(
                lambda: len(stage.running.web_processes()) == at_first, what="its successor"
            )
        load.wait_for_more(150)

    assert len(killed) == KILLS
    assert not killed & stage.running.web_processes()
    assert stage.running.programs() == programs, "More than the killed process was started again."
    stage.wait_until_well()
    stage.settle()
    checks.something_happened(stage.journal, ops=500)
    # The edge tells for the dead process that it has lost it.
    assert any(answer.status in (NO_ANSWER, 502) for answer in stage.journal.answers)
    assert any(op.was_decided_untold for op in stage.journal.once_unknown())


def test_a_primary_killed_at_work_comes_back_without_a_loss(stage: Stage) -> None:
    processes = stage.running.programs() | stage.running.web_processes()

    with stage.load() as load:
        for _ in range(KILLS):
            load.wait_for_more(150)
            books.wait_for_commit(stage.database)
            killed = parts.kill(layout.PRIMARY)
            time.sleep(1.0)  # long enough for everybody to notice
            parts.start(layout.PRIMARY)
            assert parts.pid_of(layout.PRIMARY) != killed
        load.wait_for_more(150)

    assert stage.running.programs() | stage.running.web_processes() == processes
    stage.wait_until_well()
    stage.wait_until_replicated(stage.settle())
    checks.something_happened(stage.journal, ops=500)
    assert any(answer.status == 503 for answer in stage.journal.answers)
    resolved = [op for op in stage.journal.once_unknown() if op.outcome is Outcome.OK]
    assert resolved
