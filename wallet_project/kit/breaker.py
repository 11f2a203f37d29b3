"""Remembers that a dependency is away, so that not every caller has to find out.

Closed, everybody asks. Half of the last ten calls failed: open, nobody asks. Then one call at a
time tries whether it is back (half open), and its success closes the breaker.

Only what tells of the connection counts as a failure. A server that answers "no" is there.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from enum import IntEnum
from typing import Final

from prometheus_client import Counter, Gauge

logger = logging.getLogger(__name__)

CALLS: Final = 10
"""How many of the last calls are looked at."""
FAILURES: Final = 5
"""How many of them must have failed: half."""

STATE: Final = Gauge(
    "wallet_breaker_state",
    "0: everybody asks, 1: one tries whether it is back, 2: nobody asks; the worst process.",
    ["dependency"],
    multiprocess_mode="livemax",
)
TRANSITIONS: Final = Counter(
    "wallet_breaker_transitions_total", "Changes of breakers.", ["dependency", "to"]
)


class State(IntEnum):
    """What a breaker does with callers."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Breaker:
    """Looks at the last calls to one dependency from this process.

    Without a probe one caller every few seconds tries whether it is back. With one nobody does:
    from the first failure on, a thread asks in the background, so that silence is found out when
    nobody calls, and no caller pays for it. The thread ends when all is well.
    """

    def __init__(
        self,
        dependency: str,
        *,
        retry_seconds: float,
        probe: Callable[[], bool] | None = None,
        suspect_seconds: float = 0.5,
    ) -> None:
        """Take what is asked, how often it is tried while open, and how a thread may ask it.

        :param suspect_seconds: between two questions of the thread before the breaker opens.
        """
        self.dependency: Final = dependency
        self._retry_seconds = retry_seconds
        self._probe = probe
        self._suspect_seconds = suspect_seconds
        self._on_change: list[Callable[[], object]] = []
        self._reset()
        own = weakref.WeakMethod(self._reset)
        os.register_at_fork(after_in_child=lambda: (reset := own()) and reset())

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._state = State.CLOSED
        self._last: deque[bool] = deque(maxlen=CALLS)
        self._next_try = 0.0
        self._prober: threading.Thread | None = None
        self._round = 0

    @property
    def state(self) -> State:
        """Tell what it does with callers now."""
        return self._state

    @property
    def is_open(self) -> bool:
        """Tell whether the dependency is held to be away."""
        return self._state is not State.CLOSED

    def on_change(self, tell: Callable[[], object]) -> None:
        """Call a function, which must be quick, whenever it opens or closes."""
        self._on_change.append(tell)

    def allows(self) -> bool:
        """Tell whether this caller may ask the dependency; who may notes what came of it."""
        if self._state is State.CLOSED:
            return True
        if self._probe is not None:
            return False
        with self._lock:
            if time.monotonic() < self._next_try:
                return False
            # The others wait for what this one finds.
            self._next_try = time.monotonic() + self._retry_seconds
            self._become(State.HALF_OPEN)
            return True

    def failed(self) -> bool:
        """Note that the dependency could not be reached; tell whether that opened the breaker."""
        with self._lock:
            self._next_try = time.monotonic() + self._retry_seconds
            self._last.append(False)
            is_news = self._state is State.CLOSED and self._last.count(False) >= FAILURES
            if is_news or self._state is State.HALF_OPEN:
                self._become(State.OPEN)
            self._start_prober()
        if is_news:
            self._tell()
        return is_news

    def succeeded(self) -> bool:
        """Note that it answered; tell whether that closed the breaker."""
        if self._state is State.CLOSED and not self._last:
            return False  # the usual case costs no lock
        with self._lock:
            is_news = self._state is not State.CLOSED
            if is_news:
                self._become(State.CLOSED)
                self._last.clear()
            else:
                self._last.append(True)
                if all(self._last):
                    self._last.clear()
        if is_news:
            self._tell()
        return is_news

    def suspect(self) -> None:
        """Have the thread look, because something takes long; it is no failure yet."""
        with self._lock:
            self._start_prober()

    def forget(self) -> None:
        """Begin anew, as if nothing had happened; for tests that take parts away."""
        with self._lock:
            self._become(State.CLOSED)
            self._last.clear()
            self._prober = None  # one that runs finds that it is not wanted
            self._round += 1

    def _become(self, state: State) -> None:
        if state is self._state:
            return
        self._state = state
        name = state.name.lower()
        STATE.labels(self.dependency).set(state)
        TRANSITIONS.labels(self.dependency, name).inc()
        # While it is open the tries are no news.
        level = logging.DEBUG if state is State.HALF_OPEN else logging.WARNING
        logger.log(level, f"breaker.{name}", extra={"dependency": self.dependency})

    def _tell(self) -> None:
        for tell in self._on_change:
            tell()

    def _start_prober(self) -> None:
        if self._probe is None or (self._prober is not None and self._prober.is_alive()):
            return
        self._prober = threading.Thread(
            target=self._probe_until_well,
            args=(self._probe, self._round),
            name=f"breaker-{self.dependency}",
            daemon=True,
        )
        self._prober.start()

    def _probe_until_well(self, probe: Callable[[], bool], round_: int) -> None:
        is_well = False
        while not is_well:
            pause = self._retry_seconds if self.is_open else self._suspect_seconds
            time.sleep(pause)
            with self._lock:
                if self._round != round_:
                    return
                if self._state is State.OPEN:
                    self._become(State.HALF_OPEN)
            is_well = probe()
            if self._round != round_:
                return
            if is_well:
                self.succeeded()
            else:
                self.failed()
