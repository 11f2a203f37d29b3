"""The loop of a worker that looks for work, does it, and waits when there is none."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.db import Error, connections

from wallet_project.kit.database import heals

logger = logging.getLogger(__name__)


def take_turns(
    turn: Callable[[], int], *, name: str, idle_seconds: float, stop: threading.Event
) -> None:
    """Call `turn` until `stop` is set; wait `idle_seconds` after one that found nothing to do.

    A database that is away, or a transaction that lost against another one, is no reason to end:
    nothing is to be done then, and the next turn connects anew. Other errors are raised.
    """
    while not stop.is_set():
        try:
            found = turn()
        except Error as error:
            if not heals(error):
                raise
            logger.warning("worker.database_away", extra={"worker": name, "reason": str(error)})
            connections.close_all()
            found = 0
        if not found:
            stop.wait(idle_seconds)
