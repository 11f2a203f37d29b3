"""How late events are just now, for pages: asked every few seconds, told without asking."""

from __future__ import annotations

import math
import threading
import time
from datetime import timedelta
from typing import Final

from events import queries

KEPT_SECONDS: Final = 5.0

_lock = threading.Lock()
_known: tuple[timedelta, float] = (timedelta(), -math.inf)


def look() -> None:
    """Ask the primary, unless somebody has a few seconds ago."""
    global _known
    if time.monotonic() < _known[1]:
        return
    found = timedelta(seconds=queries.oldest_pending_age_seconds())
    with _lock:
        _known = (found, time.monotonic() + KEPT_SECONDS)


def known() -> timedelta:
    """Tell for how long the oldest event has waited for the relay at the last look."""
    return _known[0]


def forget() -> None:
    """Ask again at once; for tests."""
    global _known
    with _lock:
        _known = (timedelta(), -math.inf)
