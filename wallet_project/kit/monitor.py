"""Asks dependencies in the background how they are, so that a health page never waits for one."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

logger = logging.getLogger(__name__)

RECHECK_SECONDS: Final = 5.0
"""How soon a dependency that is down is asked again."""
HUNG_SECONDS: Final = 10.0
"""A probe this late has no answer any more, whatever its own time-outs say."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A question to one dependency."""

    name: str
    ask: Callable[[], None]
    """Return when all is well, raise one of `faults` within a few seconds when not."""
    faults: tuple[type[Exception], ...]
    every_seconds: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found last."""

    up: bool
    response_ms: int


@dataclass(slots=True)
class _Watch:
    probe: Probe
    thread: threading.Thread | None = None
    finding: Finding | None = None
    wake: threading.Event = field(default_factory=threading.Event)
    valid_until: float = 0.0


class Monitor:
    """One daemon thread for each probe, started at the first question after a fork."""

    def __init__(self, probes: Sequence[Probe]) -> None:
        self._probes = probes
        self._reset()

    def findings(self, *, wait_seconds: float) -> dict[str, Finding]:
        """Return what is known; only before the first answers wait for them, and not for long."""
        self._ensure_started()
        deadline = time.monotonic() + wait_seconds
        with self._changed:
            while any(watch.finding is None for watch in self._watches):
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
            moment = time.monotonic()
            return {
                watch.probe.name: watch.finding
                if watch.finding is not None and moment < watch.valid_until
                else Finding(up=False, response_ms=0)
                for watch in self._watches
            }

    def look_now(self, name: str) -> None:
        """Have a dependency asked at once, because something has changed there."""
        for watch in self._watches:
            if watch.probe.name == name:
                watch.wake.set()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._watches = [_Watch(probe) for probe in self._probes]

    def _ensure_started(self) -> None:
        if self._pid != os.getpid():
            self._reset()  # threads do not survive a fork
        with self._changed:
            for watch in self._watches:
                if watch.thread is None or not watch.thread.is_alive():
                    watch.thread = threading.Thread(
                        target=self._run,
                        args=(watch,),
                        name=f"probe-{watch.probe.name}",
                        daemon=True,
                    )
                    watch.thread.start()

    def _run(self, watch: _Watch) -> None:
        while True:
            found = self._ask(watch.probe, watch.finding)
            pause = watch.probe.every_seconds
            if not found.up:
                pause = min(pause, RECHECK_SECONDS)
            with self._changed:
                watch.finding = found
                watch.valid_until = time.monotonic() + pause + HUNG_SECONDS
                self._changed.notify_all()
            watch.wake.wait(pause)
            watch.wake.clear()

    def _ask(self, probe: Probe, before: Finding | None) -> Finding:
        started = time.monotonic()
        try:
            probe.ask()
        except probe.faults as error:
            found = Finding(up=False, response_ms=_elapsed_ms(started))
            if before is None or before.up:
                logger.warning("health.down", extra={"part": probe.name, "error": str(error)})
        else:
            found = Finding(up=True, response_ms=_elapsed_ms(started))
            if before is not None and not before.up:
                logger.info("health.up", extra={"part": probe.name})
        return found


def _elapsed_ms(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
