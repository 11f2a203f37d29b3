"""The rules, each by a table: what belongs together, and what might and is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wallets.reconciliation.errors import SetupInvalid
from wallets.reconciliation.rules import Candidate, Found, Rules, cancel_out, compare, read_rules
from wallets.reconciliation.subsets import summing_to

DAY = date(2026, 3, 10)
Told = tuple[int, int, str]
"""Minor units, days after the tenth, reference."""


def candidates(told: Sequence[Told], first: int) -> list[Candidate]:
    return [
        Candidate(UUID(int=first + place), amount, DAY + timedelta(days=days), reference)
        for place, (amount, days, reference) in enumerate(told)
    ]


def matched(lines: Sequence[Told], postings: Sequence[Told], **rules: Any) -> list[Any]:
    """List what is matched: rule, places of lines, places of postings."""
    found = compare(candidates(lines, 0), candidates(postings, 1000), Rules(**rules))
    return [
        (
            one.rule.value,
            [id_.int for id_ in one.lines],
            [id_.int - 1000 for id_ in one.postings],
        )
        for one in found.proposals
    ]


@pytest.mark.parametrize(
    ("lines", "postings", "wanted"),
    [
        # Reference and amount, however far apart.
        ([(100, 0, "a")], [(100, 40, "a")], [("REFERENCE", [0], [0])]),
        ([(100, 0, "a")], [(101, 0, "a")], []),
        ([(100, 0, "a")], [(-100, 0, "a")], []),
        ([(100, 0, "a")], [(100, 0, "A")], []),
        # Twins: as many on both sides are interchangeable, else those of one day are.
        (
            [(100, 0, "a"), (100, 1, "a")],
            [(100, 1, "a"), (100, 0, "a")],
            [("REFERENCE", [0], [1]), ("REFERENCE", [1], [0])],
        ),
        ([(100, 0, "a"), (100, 5, "a")], [(100, 5, "a")], [("REFERENCE", [1], [0])]),
        ([(100, 0, "a"), (100, 0, "a")], [(100, 0, "a")], []),
        # Amount and window.
        ([(100, 3, "")], [(100, 0, "b")], [("WINDOW", [0], [0])]),
        ([(100, 4, "")], [(100, 0, "b")], []),
        ([(100, 0, "a")], [(100, 0, "b")], []),
        ([(100, 0, "")], [(100, 0, ""), (100, 1, "")], [("WINDOW", [0], [0])]),
        ([(100, 2, "")], [(100, 0, ""), (100, 1, "")], []),
        (
            [(100, 0, ""), (100, 1, "")],
            [(100, 1, ""), (100, 0, "")],
            [("WINDOW", [0], [1]), ("WINDOW", [1], [0])],
        ),
        # What a reference points at with another amount is no coincidence's to take.
        ([(100, 0, ""), (99, 0, "a")], [(100, 0, "a")], []),
        # A batch, named by its reference or found by its sum.
        ([(300, 9, "s")], [(100, 0, "s"), (200, 0, "s")], [("ONE_TO_MANY", [0], [0, 1])]),
        ([(300, 0, "s")], [(100, 0, "x"), (200, 1, "y")], [("ONE_TO_MANY", [0], [1, 0])]),
        ([(300, 0, "s")], [(100, 0, "x"), (200, 4, "y")], []),
        ([(301, 0, "s")], [(100, 0, "x"), (200, 1, "y")], []),
        ([(300, 0, "s")], [(100, 0, "x"), (200, 1, "y"), (200, 1, "z")], []),
        ([(300, 0, "s"), (300, 0, "t")], [(100, 0, "x"), (200, 1, "y")], []),
        ([(100, 0, "s")], [(300, 0, "x"), (-200, 0, "y")], []),
        # And the other way round.
        ([(100, 0, "s"), (200, 0, "s")], [(300, 0, "s")], [("MANY_TO_ONE", [0, 1], [0])]),
        ([(-100, 0, ""), (-200, 0, "")], [(-300, 0, "p")], [("MANY_TO_ONE", [1, 0], [0])]),
    ],
)
def test_the_rules_by_table(lines: list[Told], postings: list[Told], wanted: list[Any]) -> None:
    assert matched(lines, postings) == wanted


def test_the_stricter_rule_goes_first() -> None:
    lines = [(100, 0, "a"), (100, 0, "")]
    postings = [(100, 0, ""), (100, 3, "a")]
    assert matched(lines, postings) == [("REFERENCE", [0], [1]), ("WINDOW", [1], [0])]


def test_a_rule_that_is_not_chosen_is_not_applied() -> None:
    assert matched([(100, 0, "")], [(100, 0, "")], apply=("REFERENCE",)) == []
    assert matched([(100, 9, "")], [(100, 0, "")], window_days=9) == [("WINDOW", [0], [0])]
    two = matched([(100, 0, "a")], [(100, 0, "b")], references_may_differ=True)
    assert two == [("WINDOW", [0], [0])]


def test_what_is_left_in_doubt_names_its_candidates() -> None:
    found = compare(
        candidates([(100, 2, "")], 0), candidates([(100, 0, ""), (100, 1, "")], 1000), Rules()
    )
    (doubt,) = found.doubts
    assert [id_.int for id_ in (*doubt.lines, *doubt.postings)] == [0, 1000, 1001]


def test_among_too_many_candidates_no_sum_is_believed() -> None:
    postings = [(100 + n, 0, f"r{n}") for n in range(13)]
    assert matched([(201, 0, "")], postings) == []
    assert matched([(201, 0, "")], postings[:12]) == [("ONE_TO_MANY", [0], [1, 0])]


def test_on_suspense_one_reference_that_sums_to_zero_is_cleared() -> None:
    found = cancel_out(candidates([(50, 0, "d1"), (-50, 9, "d1"), (70, 0, "d2")], 0))
    assert [[id_.int for id_ in one.postings] for one in found.proposals] == [[0, 1]]


@pytest.mark.parametrize(
    "stored",
    [
        {"apply": ["BY_HAND"]},
        {"window_days": -1},
        {"window_days": 32},
        {"parts_max": 1},
        {"candidates_max": 25},
        {"unknown": 1},
        {"window_days": "3"},
    ],
)
def test_rules_that_cannot_be_applied_are_refused(stored: dict[str, Any]) -> None:
    with pytest.raises(SetupInvalid):
        read_rules(stored)


def test_a_search_finds_one_way_or_says_that_there_are_two() -> None:
    assert summing_to(5, [3, 2], parts_max=6) == ((0, 1),)
    assert summing_to(5, [5, 3], parts_max=6) == ()
    assert summing_to(6, [3, 3], parts_max=1) == ()
    assert len(summing_to(5, [3, 2, 2], parts_max=6)) == 2
    assert summing_to(1, [], parts_max=6) == ()


_told = st.tuples(
    st.integers(-6, 6).filter(bool), st.integers(0, 5), st.sampled_from(["", "", "a", "b", "c"])
)


@settings(max_examples=300)
@given(st.lists(_told, max_size=14), st.lists(_told, max_size=14), st.randoms())
def test_sums_agree_nothing_is_used_twice_and_the_order_does_not_matter(
    lines: list[Told], postings: list[Told], dice: Any
) -> None:
    ours, theirs = candidates(lines, 0), candidates(postings, 1000)
    found = compare(ours, theirs, Rules())
    amounts = {one.id: one.amount for one in (*ours, *theirs)}
    for one in found.proposals:
        assert one.lines
        assert one.postings
        assert sum(amounts[id_] for id_ in one.lines) == sum(amounts[id_] for id_ in one.postings)
    used = [id_ for one in found.proposals for id_ in (*one.lines, *one.postings)]
    assert len(used) == len(set(used))
    dice.shuffle(ours)
    dice.shuffle(theirs)
    assert _sorted(compare(ours, theirs, Rules())) == _sorted(found)


def _sorted(found: Found) -> list[Any]:
    return sorted((one.rule, one.lines, one.postings) for one in found.proposals)
