"""What a client found out about one load, and whether that is what was expected."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Answers:
    """The answers to a load and what they cost the client."""

    seconds: float
    statuses: Mapping[int, int]
    """How many answers had each status."""
    latency_ms: Mapping[str, float]
    broken: int = 0
    """Connections refused or cut, and requests without an answer in time."""
    exhausted: bool = False
    """Whether the prepared requests ran out, so that some were sent twice."""
    client_cpu_seconds: float = 0.0

    @property
    def total(self) -> int:
        """Return how many requests were answered."""
        return sum(self.statuses.values())


def complaint(answers: Answers, allowed: Collection[int], needed: Collection[int]) -> str:
    """Say why a load must not count, or nothing.

    A service that answers with errors is fast. So is one that was sent the same request twice.
    """
    if not answers.total:
        return "no answer at all"
    strange = {status: count for status, count in answers.statuses.items() if status not in allowed}
    if strange:
        shown = ", ".join(f"{count} x {status}" for status, count in sorted(strange.items()))
        return f"unexpected answers: {shown}"
    missing = sorted(set(needed) - set(answers.statuses))
    if missing:
        return f"no answer with status {', '.join(map(str, missing))}"
    if answers.broken:
        return f"{answers.broken} requests without an answer"
    if answers.exhausted:
        return "the prepared requests ran out: raise --prepared"
    return ""
