"""Bulkheads count places, and a narrower one never takes more than the wider one has."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from wallet_project.kit.bulkhead import Bulkhead


def test_who_finds_it_full_is_turned_away_and_the_next_place_is_free_again() -> None:
    lists = Bulkhead("lists", 2)
    assert [lists.enter() for _ in range(3)] == [True, True, False]
    lists.leave()
    assert lists.enter()
    assert lists.taken == 2


def test_a_narrow_one_that_is_full_leaves_places_to_the_wide_one() -> None:
    reads = Bulkhead("reads", 3)
    lists = Bulkhead("lists", 1, within=reads)
    assert lists.enter()
    assert not lists.enter()
    assert [reads.enter() for _ in range(3)] == [True, True, False]


def test_a_wide_one_that_is_full_has_no_place_for_the_narrow_one() -> None:
    reads = Bulkhead("reads", 1)
    lists = Bulkhead("lists", 1, within=reads)
    assert reads.enter()
    assert not lists.enter()
    assert lists.taken == 0
    reads.leave()
    assert lists.enter()


@given(steps=st.lists(st.sampled_from(["reads", "lists", "office", "out"]), max_size=60))
def test_no_order_of_comings_and_goings_breaks_a_bound_or_loses_a_place(steps: list[str]) -> None:
    reads = Bulkhead("reads", 5)
    kinds = {
        "reads": reads,
        "lists": Bulkhead("lists", 2, within=reads),
        "office": Bulkhead("office", 3, within=reads),
    }
    inside: list[Bulkhead] = []
    for step in steps:
        if step == "out":
            if inside:
                inside.pop().leave()
        elif kinds[step].enter():
            inside.append(kinds[step])
        else:
            assert kinds[step].taken == kinds[step].places or reads.taken == reads.places
        assert reads.taken == len(inside)
        assert all(one.taken <= one.places for one in kinds.values())
    for one in inside:
        one.leave()
    assert [one.taken for one in kinds.values()] == [0, 0, 0]


def test_threads_that_come_at_once_get_as_many_places_as_there_are() -> None:
    lists = Bulkhead("lists", 7, within=Bulkhead("reads", 100))
    together = threading.Barrier(32)

    def come() -> bool:
        together.wait(10)
        return lists.enter()

    with ThreadPoolExecutor(32) as pool:
        came = [one.result(10) for one in [pool.submit(come) for _ in range(32)]]
    assert sum(came) == lists.taken == 7
