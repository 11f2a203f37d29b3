"""Up to which posting the books are complete.

Ids are handed out before the commit, so a posting can become visible below the highest id there is:
MAX(id), used at once, gained rows later in 17 of 46 trials. No transaction that writes lives for a
minute, so it is good a minute after it was read, by the clock of the process that read it: that one
is never set, and no failover changes it.

A process that has just started has read nothing a minute ago. It takes the mark that others left in
a table with the database's clock, which can be set; so that one has to be twice as old.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from django.db import connections
from django.db.models import DateTimeField, Func, Max

from ledger.models import Posting, SettledMark
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.heartbeat import UtcNow

SETTLE_SECONDS: Final = 60.0
"""Longer than any transaction that writes."""
_APART_SECONDS: Final = 1.0
"""How far the marks that a process remembers lie apart, so that they stay few."""
_ROW: Final = 1


class _TwiceAgo(Func):
    """The moment before which a mark in the table was taken for sure a minute ago."""

    template = "UTC_TIMESTAMP(6) - INTERVAL 120 SECOND"
    output_field = DateTimeField()


class Watch:
    """What one process saw of the books' end, and when by its own clock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[int, float]] = deque()
        self._lock = threading.Lock()

    def note(self, end: int) -> None:
        """Remember the end of the books as it was read just now: call it after reading."""
        with self._lock:
            moment = self._clock()
            if self._seen and end < self._seen[-1][0]:
                # A failover lost the newest postings, and their ids are given out again.
                self._seen.clear()
            if not self._seen or moment - self._seen[-1][1] >= _APART_SECONDS:
                self._seen.append((end, moment))

    def settled(self) -> int:
        """Return the newest mark that is old enough; 0 if there is none yet."""
        with self._lock:
            ripe = self._clock() - SETTLE_SECONDS
            while len(self._seen) > 1 and self._seen[1][1] <= ripe:
                self._seen.popleft()
            if self._seen and self._seen[0][1] <= ripe:
                return self._seen[0][0]
            return 0

    def forget(self) -> None:
        """Forget everything, for tests that empty the books."""
        with self._lock:
            self._seen.clear()


_watch = Watch()


def settled_upto(watch: Watch = _watch) -> int:
    """Return an id of a posting below which, and at which, no further posting can appear.

    It lags a minute behind in a process that asks often, up to four in one that has just started.
    Ask outside of transactions: it writes the common mark down every other minute.
    """
    end = end_of_books()
    if connections[PRIMARY].vendor == "sqlite":
        # One writer at a time: an id that is visible has none below it that is not.
        return end
    watch.note(end)
    return min(max(watch.settled(), _common_mark(end)), end)


def end_of_books() -> int:
    """Return the highest id of a posting that is visible; others below it may still come."""
    return Posting.objects.using(PRIMARY).aggregate(end=Max("id"))["end"] or 0


def forget_all() -> None:
    """Forget what this process saw, for tests."""
    _watch.forget()


def _common_mark(end: int) -> int:
    """Return the mark that all processes share, and move it when its successor is old enough."""
    rows = SettledMark.objects.using(PRIMARY)
    row = rows.filter(pk=_ROW).first()
    if connections[PRIMARY].in_atomic_block:
        return 0 if row is None else row.settled
    if row is None:
        first = SettledMark(id=_ROW, settled=0, candidate=end, taken_at=UtcNow())
        rows.bulk_create([first], ignore_conflicts=True)
        return 0
    # The moment that was read guards against two who move it at once.
    ripe = rows.filter(pk=_ROW, taken_at=row.taken_at).filter(taken_at__lte=_TwiceAgo())
    if ripe.update(settled=row.candidate, candidate=end, taken_at=UtcNow()):
        return row.candidate
    return row.settled
