"""Two at once: exactly one of them decides, and the effect happens once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.db import connections, transaction

from tests.integration.approvals.desk import DEEDS, asked
from wallet_project.kit.audit import Actor
from wallet_project.kit.errors import Conflict
from wallets.approvals import queries
from wallets.approvals.models import Approval, Status
from wallets.approvals.operations import _rows
from wallets.approvals.operations.approve import approve
from wallets.approvals.operations.carry_out_due import carry_out_due
from wallets.approvals.operations.expire_approvals import expire_approvals
from wallets.approvals.operations.reject import reject
from wallets.approvals.operations.withdraw import withdraw
from wallets.models import Plan

pytestmark = pytest.mark.full_stack
ROUNDS = 8


@pytest.fixture
def counter(database: None) -> Iterator[Callable[[], int]]:
    """Make a number that an approval adds one to; tell it."""
    plan = Plan.objects.create(name="counted", requests_per_minute=1)
    yield lambda: int(Plan.objects.get(pk=plan.pk).requests_per_minute or 0) - 1
    plan.delete()


def at_once(*acts: Callable[[], object]) -> list[str]:
    """Start all at the same moment; tell of each `done`, or the code of its refusal."""
    together = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> str:
        together.wait(20)
        try:
            act()
        except Conflict as error:
            return error.code
        finally:
            connections.close_all()
        return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_two_checkers_who_approve_at_once_have_one_effect(
    maker: Actor, checker: Actor, other_checker: Actor, counter: Callable[[], int]
) -> None:
    for turn in range(1, ROUNDS + 1):
        made = asked(maker, "test_count", subject="counted")
        ends = at_once(
            partial(approve, approval=made.pk, by=checker),
            partial(approve, approval=made.pk, by=other_checker),
            partial(approve, approval=made.pk, by=checker),
        )
        assert sorted(ends) == ["approval_decided", "approval_decided", "done"]
        assert counter() == turn
        assert queries.get(made.pk).status == Status.CARRIED_OUT


@pytest.mark.parametrize("other", ["withdraw", "reject"])
def test_approving_against_taking_back_has_one_end(
    maker: Actor, checker: Actor, other_checker: Actor, counter: Callable[[], int], other: str
) -> None:
    for _ in range(ROUNDS):
        before = counter()
        made = asked(maker, "test_count", subject="counted")

        def against(made: Approval = made) -> object:
            if other == "withdraw":
                return withdraw(approval=made.pk, by=maker)
            return reject(approval=made.pk, by=other_checker, note="no")

        ends = at_once(partial(approve, approval=made.pk, by=checker), against)
        assert sorted(ends) == ["approval_decided", "done"]
        approved = ends[0] == "done"
        assert counter() == before + approved
        ended = {"withdraw": Status.WITHDRAWN, "reject": Status.REJECTED}[other]
        assert queries.get(made.pk).status == (Status.CARRIED_OUT if approved else ended)


def test_approving_against_the_clock_has_one_end(
    maker: Actor, checker: Actor, counter: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row's time passes while both are on their way to it."""
    seen = set()
    for _ in range(ROUNDS):
        before = counter()
        made = asked(maker, "test_count", subject="counted")
        ahead = made.expires_at - made.requested_at
        # The one who ends it sees the clock of the moment of expiry; the other may be before it.
        monkeypatch.setattr(
            "wallets.approvals.operations.expire_approvals.primary_clock",
            partial(_later, made),
        )
        assert ahead > timedelta(hours=1)
        ends = at_once(partial(approve, approval=made.pk, by=checker), expire_approvals)
        found = queries.get(made.pk).status
        seen.add(found)
        assert found == (Status.CARRIED_OUT if ends[0] == "done" else Status.EXPIRED)
        assert counter() == before + (found == Status.CARRIED_OUT)


def _later(made: Approval) -> datetime:
    """Tell a moment after the request's end."""
    return made.expires_at + timedelta(seconds=1)


def test_two_workers_who_resume_at_once_have_one_effect(
    maker: Actor, checker: Actor, counter: Callable[[], int]
) -> None:
    def resume() -> object:
        return carry_out_due(rested=timedelta(0))

    for turn in range(1, ROUNDS + 1):
        made = asked(maker, "test_count", subject="counted")
        DEEDS.dies = KeyboardInterrupt()
        with pytest.raises(KeyboardInterrupt):
            approve(approval=made.pk, by=checker)
        assert counter() == turn - 1, "it died within its transaction"

        at_once(resume, resume)
        assert (counter(), queries.get(made.pk).status) == (turn, Status.CARRIED_OUT)


def test_a_row_waits_for_the_one_who_has_it(maker: Actor, checker: Actor) -> None:
    """The lock is the database's: the second sees what the first has made of it."""
    made = asked(maker)
    has_it, may_go = threading.Event(), threading.Event()

    def hold() -> object:
        with transaction.atomic():
            row = _rows.lock(made.pk)
            has_it.set()
            assert may_go.wait(20)
            _rows.move(row, Status.WITHDRAWN)
        return None

    def late() -> object:
        assert has_it.wait(20)
        threading.Timer(0.3, may_go.set).start()
        return approve(approval=made.pk, by=checker)

    assert at_once(hold, late) == ["done", "approval_decided"]
    assert DEEDS.done == []
