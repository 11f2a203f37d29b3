"""Which of some amounts sum to another: a bounded search that stops at the second answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

PARTS_MAX: Final = 12
CANDIDATES_MAX: Final = 24
_STEPS_MAX: Final = 50_000


def summing_to(
    total: int, amounts: Sequence[int], *, parts_max: int
) -> tuple[tuple[int, ...], ...]:
    """Return the places of amounts that sum to a total: no way, the only way, or two of several.

    Amounts are above zero and come largest first. A search that would take too long has no answer:
    what was not looked at might be a second way.

    :param parts_max: at least two amounts are taken, and at most so many.
    """
    left = [0] * (len(amounts) + 1)
    for place in range(len(amounts) - 1, -1, -1):
        left[place] = left[place + 1] + amounts[place]
    ways: list[tuple[int, ...]] = []
    # Depth first without recursion: what is missing, from which place on, and what was taken.
    paths: list[tuple[int, int, tuple[int, ...]]] = [(total, 0, ())]
    steps = 0
    while paths and len(ways) < 2:
        steps += 1
        if steps > _STEPS_MAX:
            return ()
        missing, place, taken = paths.pop()
        if missing == 0:
            if len(taken) > 1:
                ways.append(taken)
            continue
        if place == len(amounts) or len(taken) == parts_max or left[place] < missing:
            continue
        paths.append((missing, place + 1, taken))
        if amounts[place] <= missing:
            paths.append((missing - amounts[place], place + 1, (*taken, place)))
    return tuple(ways)
