"""Bulkheads: how many callers may be in a compartment at once, so that none floods the ship.

Whoever finds it full is turned away at once: waiting would take the very thread that is to be
kept free. Knows nothing of requests.
"""

from __future__ import annotations

import threading
from typing import Final

from prometheus_client import Counter

TURNED_AWAY: Final = Counter(
    "wallet_bulkhead_turned_away_total",
    "Calls that found no place, by the compartment that was full.",
    ["compartment"],
)


class Bulkhead:
    """A number of places; each is in a wider compartment's place, too, if there is one."""

    def __init__(self, name: str, places: int, *, within: Bulkhead | None = None) -> None:
        """Take how many may be inside at once, and the compartment that this one is a part of."""
        self.name = name
        self.places = places
        self._within = within
        self._taken = 0
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """Tell how many are inside."""
        return self._taken

    def enter(self) -> bool:
        """Take a place if there is one, and tell so; whoever has one must `leave` once."""
        with self._lock:
            is_free = self._taken < self.places
            if is_free:
                self._taken += 1
        if not is_free:
            TURNED_AWAY.labels(self.name).inc()
            return False
        if self._within is None or self._within.enter():
            return True
        self._give_back()
        return False

    def leave(self) -> None:
        """Give a place back."""
        if self._within is not None:
            self._within.leave()
        self._give_back()

    def _give_back(self) -> None:
        with self._lock:
            self._taken -= 1
