"""Numbers made of numbers: percentiles, corrected latencies, medians, and popular wallets."""

from __future__ import annotations

import bisect
import itertools
import math
import random
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

SHOWN: Final = {"p50_ms": 0.50, "p95_ms": 0.95, "p99_ms": 0.99, "max_ms": 1.0}
"""The percentiles of every load."""


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest of the sorted values that so many of them do not exceed."""
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def summary_ms(seconds: Iterable[float]) -> dict[str, float]:
    """Return the percentiles of latencies, in milliseconds."""
    ordered = sorted(seconds)
    return {name: percentile(ordered, share) * 1_000 for name, share in SHOWN.items()}


def due_times(rate: float, count: int, *, start: float = 0.0) -> list[float]:
    """Return when each of so many requests is due at an even rate a second."""
    return [start + number / rate for number in range(count)]


def since_due(due: Sequence[float], done: Sequence[float]) -> list[float]:
    """Return latencies from the time a request was due, not from when the client got round to it.

    A client that waits for a slow answer sends less while the service is slow, and so hides the
    slowness from its own figures (coordinated omission). Callers in the world do not wait for each
    other: their waiting began when they wanted to send.
    """
    return [end - begin for begin, end in zip(due, done, strict=True)]


def medians(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the median of each number over the rounds that have it."""
    names = dict.fromkeys(name for one in rounds for name in one)
    return {name: statistics.median(one[name] for one in rounds if name in one) for name in names}


def rotated(steps: Sequence[int], turn: int, turns: int) -> list[int]:
    """Begin each round elsewhere, so that a disturbance does not always meet the same loads."""
    cut = len(steps) * turn // turns if turns else 0
    return [*steps[cut:], *steps[:cut]]


class Zipf:
    """Chooses places 0, 1, 2 …, each n-th as often as the first divided by n ** exponent."""

    def __init__(self, size: int, exponent: float, source: random.Random) -> None:
        weights = (1 / rank**exponent for rank in range(1, size + 1))
        self._bounds = list(itertools.accumulate(weights))
        self._source = source

    def draw(self) -> int:
        """Choose a place."""
        return bisect.bisect(self._bounds, self._source.random() * self._bounds[-1])
