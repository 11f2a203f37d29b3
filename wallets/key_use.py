"""When API keys were used last: noted in memory, written beside the calls, once a minute a key."""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime
from typing import Final

from django.db import Error, connections

from wallet_project.kit import clock
from wallet_project.kit.database import PRIMARY
from wallets.models import ApiKey

logger = logging.getLogger(__name__)

EVERY_SECONDS: Final = 60.0
"""How often a key's row is written at most, by one process."""
GATHER_SECONDS: Final = 2.0
"""How long uses gather before they are written together."""
_KEPT: Final = 10_000


class KeyUse:
    """Of one process. A thread lives only while something waits, so a fork is no matter."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next_at: dict[str, float] = {}
        self._waiting: dict[str, datetime] = {}
        self._writer: threading.Thread | None = None
        self._hurry = threading.Event()

    def note(self, prefix: str) -> None:
        """Note that a key has opened the service; nearly always no more than a look."""
        moment = time.monotonic()
        if moment < self._next_at.get(prefix, 0):
            return
        with self._lock:
            if len(self._next_at) >= _KEPT:
                self._next_at.clear()
            self._next_at[prefix] = moment + EVERY_SECONDS
            self._waiting[prefix] = clock.now()
            if self._writer is None or not self._writer.is_alive():
                self._hurry = threading.Event()
                self._writer = threading.Thread(target=self._write, name="key-use", daemon=True)
                self._writer.start()

    def flush(self, *, drop: bool = False) -> None:
        """Write what waits now, or drop it; for tests and the end of a process."""
        with self._lock:
            writer = self._writer
            if drop:
                self._waiting.clear()
                self._next_at.clear()
            self._hurry.set()
        if writer is not None:
            writer.join(10)

    def _write(self) -> None:
        self._hurry.wait(GATHER_SECONDS)
        with self._lock:
            taken, self._waiting = self._waiting, {}
            self._writer = None  # who comes from now on starts the next one
        if not taken:
            return
        try:
            for prefix, moment in taken.items():
                ApiKey.objects.using(PRIMARY).filter(prefix=prefix).update(last_used_at=moment)
        except Error as error:
            # Not worth a retry: the next use of the key comes within minutes, or never.
            logger.info("key_use.missed", extra={"keys": len(taken), "reason": str(error)})
        finally:
            connections[PRIMARY].close()


USE: Final = KeyUse()
