"""The timetable of a fault run: the same for a seed, complete, and without impossible pairs."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.chaos.schedule import PARTS, ROADS, SERVICES, catalogue, deck, plan

few = settings(max_examples=20, deadline=None)
SEEDS = st.integers(min_value=0, max_value=10**6)


@few
@given(SEEDS)
def test_the_same_seed_makes_the_same_timetable(seed: int) -> None:
    assert plan(seed, 300) == plan(seed, 300)
    assert plan(seed, 300) != plan(seed + 1, 300)


@few
@given(SEEDS, st.integers(min_value=20, max_value=900))
def test_everything_has_ended_by_the_end(seed: int, seconds: int) -> None:
    windows = plan(seed, seconds)
    assert windows
    assert all(0 < one.starts < one.ends <= seconds for one in windows)
    assert [one.starts for one in windows] == sorted(one.starts for one in windows)


@few
@given(SEEDS)
def test_a_deck_has_every_fault_once(seed: int) -> None:
    every = [fault for each in catalogue() for fault in each]
    assert len(set(every)) == len(every)
    assert sorted(deck(seed), key=str) == sorted(every, key=str)


@few
@given(SEEDS)
def test_a_short_run_meets_every_class_and_makes_outcomes_unknown(seed: int) -> None:
    first = deck(seed)[:8]
    assert {fault.kind for fault in first} >= {"kill", "road", "crash", "freeze"}
    assert ("primary", "drop") in {(fault.target, fault.mode) for fault in first}


@few
@given(SEEDS)
def test_ten_minutes_meet_every_process_and_road(seed: int) -> None:
    faults = [one.fault for one in plan(seed, 600)]
    assert {one.target for one in faults if one.kind == "kill"} == {*SERVICES, *PARTS}
    assert {one.target for one in faults if one.kind == "road"} == set(ROADS)


@few
@given(SEEDS)
def test_at_most_two_are_there_at_once_and_never_two_parts(seed: int) -> None:
    windows = plan(seed, 600)
    for one, other in pairwise(windows):
        if other.starts < one.ends:
            assert one.fault.target != other.fault.target
            assert not (one.fault.touches_a_part and other.fault.touches_a_part)
    for one, _, third in zip(windows, windows[1:], windows[2:], strict=False):
        assert third.starts >= one.ends
