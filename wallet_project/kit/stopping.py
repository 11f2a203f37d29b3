"""How a process that works for long is told to end."""

from __future__ import annotations

import signal
import threading


def on_signal() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set from now on, in place of ending the process.

    Whoever works looks at it between two pieces of work, so that none is left half done. To be
    called from the main thread: no other one may take signals.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
