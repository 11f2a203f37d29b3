"""Numbers of the bench: percentiles, latencies from the due time, medians, popular wallets."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest

from tests.bench import figures


def test_a_percentile_is_a_value_that_was_measured() -> None:
    ordered = [float(number) for number in range(1, 101)]

    assert figures.percentile(ordered, 0.50) == 50
    assert figures.percentile(ordered, 0.99) == 99
    assert figures.percentile(ordered, 1.0) == 100
    assert figures.percentile([7.0], 0.5) == figures.percentile([7.0], 0.99) == 7
    assert math.isnan(figures.percentile([], 0.5))


def test_a_summary_is_in_milliseconds_and_needs_no_order() -> None:
    summary = figures.summary_ms([0.003, 0.001, 0.002, 0.100])

    assert summary == pytest.approx({"p50_ms": 2, "p95_ms": 100, "p99_ms": 100, "max_ms": 100})


def test_requests_are_due_evenly() -> None:
    assert figures.due_times(4, 4, start=10.0) == [10.0, 10.25, 10.5, 10.75]


def test_a_stall_is_felt_by_everyone_who_was_due_meanwhile() -> None:
    """A service that takes 1 ms stalls once for a second; one request is sent after the other."""
    due = figures.due_times(100, 300)
    sent: list[float] = []
    done: list[float] = []
    clock = 0.0
    for number, wanted in enumerate(due):
        clock = max(clock, wanted)
        sent.append(clock)
        clock += 1.0 if number == 100 else 0.001
        done.append(clock)

    hidden = figures.summary_ms(figures.since_due(sent, done))
    told = figures.summary_ms(figures.since_due(due, done))

    assert hidden["p95_ms"] == pytest.approx(1)  # as if one request in three hundred was slow
    assert told["p95_ms"] > 800
    assert told["max_ms"] == pytest.approx(hidden["max_ms"]) == pytest.approx(1_000)


def test_due_and_done_must_be_of_the_same_requests() -> None:
    with pytest.raises(ValueError, match="shorter"):
        figures.since_due([0.0, 1.0], [1.0])


def test_a_median_ignores_one_disturbed_round_and_what_a_round_lacks() -> None:
    rounds = [{"a": 1.0, "b": 5.0}, {"a": 2.0}, {"a": 900.0, "b": 7.0}]

    assert figures.medians(rounds) == {"a": 2.0, "b": 6.0}


def test_each_round_runs_everything_and_begins_elsewhere() -> None:
    steps = list(range(6))
    orders = [figures.rotated(steps, turn, 3) for turn in range(3)]

    assert [order[0] for order in orders] == [0, 2, 4]
    assert all(sorted(order) == steps for order in orders)


def test_popular_wallets_are_drawn_as_often_as_zipf_says() -> None:
    zipf = figures.Zipf(1_000, 1.0, random.Random(1))
    drawn = Counter(zipf.draw() for _ in range(60_000))

    harmonic = sum(1 / rank for rank in range(1, 1_001))
    assert set(drawn) <= set(range(1_000))
    for place in (0, 1, 9):
        expected = 60_000 / (place + 1) / harmonic
        assert drawn[place] == pytest.approx(expected, rel=0.1)


def test_without_an_exponent_all_wallets_are_equally_popular() -> None:
    zipf = figures.Zipf(10, 0.0, random.Random(1))
    drawn = Counter(zipf.draw() for _ in range(20_000))

    assert min(drawn.values()) > 1_800
    assert len(drawn) == 10
