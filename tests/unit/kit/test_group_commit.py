"""The group commit, with commands that are plain numbers and a database that is a list."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any

import pytest
from django.db import DataError, OperationalError

from wallet_project.kit.database import LockWaitTimeout
from wallet_project.kit.group_commit import Bounds, GroupCommit
from wallet_project.kit.queue_errors import DeadlinePassed, OutcomeUnknown, QueueFull, RowsBusy


class Store:
    """Executes lists of (key, value) and remembers them; rows can be locked or poisoned."""

    def __init__(self) -> None:
        self.lists: list[list[tuple[str, int]]] = []
        self.locked: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.failing: Exception | None = None

    def execute(self, commands: Sequence[tuple[str, int]], lock_wait_seconds: int) -> list[int]:
        self.gate.wait(5)
        if self.failing is not None:
            raise self.failing
        if any(key in self.locked for key, _ in commands):
            time.sleep(0.05 * lock_wait_seconds)
            raise LockWaitTimeout
        if any(value < 0 for _, value in commands):
            raise DataError("a bad value")
        self.lists.append(list(commands))
        return [value * 10 for _, value in commands]

    def blocked(self, keys: Collection[Hashable]) -> Collection[Hashable]:
        return self.locked & set(keys)

    def done(self) -> list[tuple[str, int]]:
        return [command for one in self.lists for command in one]


Make = Callable[..., GroupCommit[tuple[str, int], int]]


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def make(store: Store) -> Iterator[Make]:
    made: list[Any] = []

    def maker(**bounds: Any) -> GroupCommit[tuple[str, int], int]:
        group: GroupCommit[tuple[str, int], int] = GroupCommit(
            store.execute,
            keys_of=lambda command: [command[0]],
            find_blocked=store.blocked,
            bounds=Bounds(**bounds),
            on_list=lambda length: None,
        )
        made.append(group)
        return group

    yield maker
    store.gate.set()
    store.locked.clear()
    for group in made:
        group.stop()


def test_answers_each_caller_with_the_result_of_his_own_command(make: Make) -> None:
    group = make()

    futures = [group.submit((f"w{n}", n)) for n in range(50)]

    assert [future.result(5) for future in futures] == [n * 10 for n in range(50)]


def test_commands_that_wait_share_one_list(make: Make, store: Store) -> None:
    group = make()
    store.gate.clear()
    first = group.submit(("w", 0))
    time.sleep(0.05)

    rest = [group.submit(("w", n)) for n in range(1, 20)]
    store.gate.set()
    for future in [first, *rest]:
        future.result(5)

    assert [len(one) for one in store.lists] == [1, 19]
    assert store.done() == [("w", n) for n in range(20)]


@pytest.fixture
def patient(make: Make, store: Store) -> GroupCommit[tuple[str, int], int]:
    """A queue whose last list took long, so that the next one may wait long for company."""
    group = make(patience_seconds=1.0)
    store.gate.clear()
    first = group.submit(("w", 0))
    time.sleep(1.05)
    store.gate.set()
    first.result(5)
    return group


def test_a_list_takes_those_along_who_were_announced(
    patient: GroupCommit[tuple[str, int], int], store: Store
) -> None:
    for _ in range(3):
        patient.announce()

    calls: list[tuple[tuple[str, int], Future[int]]] = [(("w", n), Future()) for n in (1, 2, 3)]
    for call in calls:
        patient.submit_all([call], announced=1)
        time.sleep(0.02)

    assert [future.result(5) for _, future in calls] == [10, 20, 30]
    assert [len(one) for one in store.lists] == [1, 3]


def test_a_list_waits_for_nobody_who_was_withdrawn(
    patient: GroupCommit[tuple[str, int], int], store: Store
) -> None:
    patient.announce()
    started = time.monotonic()
    future = patient.submit(("w", 1))
    patient.withdraw()

    future.result(5)

    assert time.monotonic() - started < 0.9
    assert [len(one) for one in store.lists] == [1, 1]


def test_a_list_waits_no_longer_than_the_one_before_it_took(
    patient: GroupCommit[tuple[str, int], int], store: Store
) -> None:
    patient.announce()  # and never comes
    started = time.monotonic()

    patient.submit(("w", 1)).result(5)

    assert 0.9 < time.monotonic() - started < 3
    started = time.monotonic()
    patient.submit(("w", 2)).result(5)
    assert time.monotonic() - started < 0.9, "the list before took no time"


def test_a_full_queue_expects_those_no_more_whom_it_refuses(make: Make, store: Store) -> None:
    group = make(queue_length=1, patience_seconds=5.0)
    store.gate.clear()
    first = group.submit(("w", 0))
    time.sleep(0.05)
    second = group.submit(("w", 1))
    group.announce()
    with pytest.raises(QueueFull):
        group.submit_all([(("w", 2), Future())], announced=1)
    store.gate.set()

    assert [first.result(5), second.result(1)] == [0, 10]


def test_a_list_is_no_longer_than_its_bound(make: Make, store: Store) -> None:
    group = make(list_length=8)
    store.gate.clear()
    futures = [group.submit(("w", n)) for n in range(30)]
    store.gate.set()

    for future in futures:
        future.result(5)

    assert max(len(one) for one in store.lists) == 8


def test_one_bad_command_fails_alone(make: Make, store: Store) -> None:
    group = make()
    store.gate.clear()
    futures = [group.submit(("w", n if n != 13 else -1)) for n in range(32)]
    store.gate.set()

    results = [future.exception(5) for future in futures]

    assert [n for n, failure in enumerate(results) if failure] == [13]
    assert isinstance(results[13], DataError)


def test_a_locked_row_holds_up_its_own_commands_only(make: Make, store: Store) -> None:
    group = make(slow_lock_wait_seconds=20)
    store.locked.add("hot")

    stuck = [group.submit(("hot", n)) for n in range(3)]
    others = [group.submit((f"w{n}", n)) for n in range(100)]
    for future in others:
        future.result(2)

    assert not any(future.done() for future in stuck)
    store.locked.clear()
    refused = [isinstance(future.exception(5), RowsBusy) for future in stuck]
    # The first may have given up just before; none runs before one that came earlier.
    assert refused == sorted(refused, reverse=True)


def test_commands_of_a_slow_row_keep_their_order(make: Make, store: Store) -> None:
    group = make()
    store.locked.add("hot")
    first = group.submit(("hot", 1))
    time.sleep(0.1)
    store.locked.clear()

    later = [group.submit(("hot", n)) for n in range(2, 10)]
    for future in [first, *later]:
        if not isinstance(future.exception(5), RowsBusy):
            assert future.result(0) > 0

    values = [value for key, value in store.done() if key == "hot"]
    assert values == sorted(values)


def test_refuses_at_once_when_too_much_waits(make: Make, store: Store) -> None:
    group = make(queue_length=5)
    store.gate.clear()
    group.submit(("w", 0))
    time.sleep(0.05)
    for n in range(5):
        group.submit(("w", n))

    with pytest.raises(QueueFull):
        group.submit(("w", 99))


def test_drops_undone_what_waited_past_its_deadline(make: Make, store: Store) -> None:
    group = make()
    store.gate.clear()
    first = group.submit(("w", 1))
    time.sleep(0.05)
    late = group.submit(("w", 2), deadline_seconds=0.1)
    time.sleep(0.2)
    store.gate.set()

    assert first.result(5) == 10
    assert isinstance(late.exception(5), DeadlinePassed)
    assert store.done() == [("w", 1)]


def test_an_unforeseen_failure_leaves_nobody_waiting_and_the_leader_alive(
    make: Make, store: Store
) -> None:
    group = make()
    store.failing = OperationalError(9999, "something new")

    lost = group.submit(("w", 1))
    assert isinstance(lost.exception(5), OutcomeUnknown)

    store.failing = None
    assert group.submit(("w", 2)).result(5) == 20


def test_a_forked_child_starts_with_an_empty_queue_and_threads_of_its_own(
    make: Make, store: Store
) -> None:
    group = make()
    group.submit(("parent", 1)).result(5)

    child = os.fork()
    if child == 0:
        answered = group.submit(("child", 2)).result(5) == 20
        os._exit(0 if answered else 1)

    assert os.waitpid(child, 0)[1] == 0
    assert group.submit(("parent", 3)).result(5) == 30


def test_stop_finishes_what_waits_and_takes_nothing_more(make: Make, store: Store) -> None:
    group = make()
    store.gate.clear()
    futures = [group.submit(("w", n)) for n in range(10)]
    stopper = threading.Thread(target=group.stop)
    stopper.start()
    time.sleep(0.05)
    with pytest.raises(QueueFull):
        group.submit(("w", 99))
    store.gate.set()
    stopper.join(5)

    assert [future.result(0) for future in futures] == [n * 10 for n in range(10)]
