"""How late events are just now, for whoever asks often: the answer is kept for some seconds."""

from __future__ import annotations

import math
import threading
import time
from datetime import timedelta
from typing import Final

from django.db import Error

from events import queries

KEPT_SECONDS: Final = 5.0

_lock = threading.Lock()
_known: tuple[timedelta | None, float] = (None, -math.inf)


def age() -> timedelta | None:
    """Tell for how long the oldest event waits for the relay; None: the primary did not say."""
    global _known
    found, until = _known
    if time.monotonic() < until:
        return found
    try:
        found = timedelta(seconds=queries.oldest_pending_age_seconds())
    except Error:
        found = None
    with _lock:
        _known = (found, time.monotonic() + KEPT_SECONDS)
    return found


def forget() -> None:
    """Ask again at once; for tests."""
    global _known
    with _lock:
        _known = (None, -math.inf)
