"""The timetable of a run: pure, and the same for the same seed and length."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.chaos.proxy import Mode

CALM_SECONDS: Final = 3.0
"""Before the first fault, so that there is something to break."""
OVERLAPS: Final = 0.25
"""How often the next fault begins before the one in hand has ended."""

SERVICES: Final = (
    *("lane", "reads", "web", "edge"),
    *("worker", "beat", "relay", "consumers", "webhooks"),
)
PARTS: Final = ("primary", "replica", "redis", "kafka")
ROADS: Final = ("client", "primary", "replica", "source", "redis", "kafka", "gateway")
"""`source` is the road by which the replica follows the primary."""
POINTS: Final = (
    "movement-before-commit",
    "movement-after-commit",
    "relay-before-mark",
    "consumer-before-commit",
    "payout-after-send",
)
_HARMFUL_MODES: Final = tuple(mode for mode in Mode if mode is not Mode.CLEAR)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is broken."""

    kind: str
    """`kill`, `freeze`, `crash`, `road`, `delay`, `flush`, `full` or `lock`."""
    target: str
    mode: str = ""

    @property
    def name(self) -> str:
        """Name it in a line of the report."""
        return " ".join(filter(None, (self.kind, self.target, self.mode)))

    @property
    def touches_a_part(self) -> bool:
        """Tell whether a part of the stack itself is stopped, or is asked while another may be."""
        itself = self.target in PARTS and self.kind != "road"
        return itself or self.target == "source" or self.kind == "lock"


@dataclass(frozen=True, slots=True)
class Window:
    """From when until when something is broken, in seconds since the beginning."""

    fault: Fault
    starts: float
    ends: float


def catalogue() -> list[list[Fault]]:
    """Return every fault there is, one list for each class."""
    kills = [Fault("kill", target) for target in (*SERVICES, *PARTS)]
    freezes = [
        Fault("freeze", target)
        for target in ("lane", "reads", "web", "worker", "relay", "consumers", *PARTS)
    ]
    crashes = [Fault("crash", point) for point in POINTS]
    roads = [
        Fault("road", road, mode)
        for road in ROADS
        for mode in _HARMFUL_MODES
        # A replica asks for nothing: what could be dropped there is all answers.
        if not (road == "source" and mode is Mode.DROP)
    ]
    others = [
        Fault("delay", "replica"),
        Fault("flush", "redis"),
        Fault("full", "lane"),
        Fault("full", "kafka"),
        Fault("lock", "wallet"),
    ]
    return [kills, roads, crashes, freezes, others]


def deck(seed: int) -> list[Fault]:
    """Shuffle every fault so that each class comes by turns, and each road, and each mode."""
    dice = random.Random(f"deck-{seed}")
    classes = catalogue()
    for one in classes:
        dice.shuffle(one)
    # What makes an outcome unknown comes first: without it a short run would show little.
    classes[1].sort(key=lambda fault: fault.mode != Mode.DROP or fault.target != "primary")
    classes[1] = _spread(classes[1])
    kills, roads, *rest = classes
    dealt: list[Fault] = []
    while any(classes):
        for one in (kills, roads, *rest[:1], roads, *rest[1:], kills, roads):
            if one:
                dealt.append(one.pop(0))
    return dealt


def _spread(faults: Sequence[Fault]) -> list[Fault]:
    """Put faults of roads that have not been met lately, nor their mode, before the others."""
    left, spread = list(faults), [faults[0]]
    left.remove(faults[0])
    roads: list[str] = [faults[0].target]
    modes: list[str] = [faults[0].mode]
    while left:
        best = min(
            left,
            key=lambda fault: (modes.count(fault.mode), roads.count(fault.target)),
        )
        left.remove(best)
        spread.append(best)
        roads.append(best.target)
        modes.append(best.mode)
    return spread


def plan(seed: int, seconds: float) -> list[Window]:
    """Make the timetable of so many seconds; all has ended by then."""
    dice = random.Random(f"plan-{seed}")
    windows: list[Window] = []
    moment, round_ = CALM_SECONDS, 0
    waiting = deck(seed)
    while True:
        if not waiting:
            round_ += 1
            waiting = deck(seed + round_)
        fault = waiting.pop(0)
        length = dice.uniform(2.0, 5.0)
        if moment + length > seconds:
            return windows
        windows.append(Window(fault, round(moment, 2), round(moment + length, 2)))
        overlaps = dice.random() < OVERLAPS
        gap = dice.uniform(0.8, 2.5)
        if overlaps and waiting and _go_together(fault, waiting[0]) and not _is_overlap(windows):
            moment += length / 2
        else:
            moment = max(window.ends for window in windows) + gap


def _is_overlap(windows: Sequence[Window]) -> bool:
    return len(windows) > 1 and windows[-1].starts < windows[-2].ends


def _go_together(one: Fault, other: Fault) -> bool:
    """Tell whether two faults may be there at once: not on one target, not on two parts."""
    return one.target != other.target and not (one.touches_a_part and other.touches_a_part)
