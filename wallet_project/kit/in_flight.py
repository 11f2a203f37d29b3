"""How many calls of each owner are under way in this process. Knows nothing of clients."""

from __future__ import annotations

import threading


class InFlight:
    """Counts by owner; who has nothing under way takes no memory."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._lock = threading.Lock()

    def of(self, owner: int) -> int:
        """Tell how many calls of an owner's are under way."""
        return self._counts.get(owner, 0)

    def enter(self, owner: int, most: int) -> bool:
        """Count one more unless the owner has so many already; tell whether it was counted, for
        then it must `leave` once."""
        with self._lock:
            count = self._counts.get(owner, 0)
            if count >= most:
                return False
            self._counts[owner] = count + 1
            return True

    def leave(self, owner: int) -> None:
        """Count one less."""
        with self._lock:
            count = self._counts[owner] - 1
            if count:
                self._counts[owner] = count
            else:
                del self._counts[owner]
