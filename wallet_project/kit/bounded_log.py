"""Log lines that a caller can cause at will: so many a second, and how many were left out."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final


class BoundedLog:
    """Writes at most so many lines a second through a logger."""

    def __init__(self, logger: logging.Logger, *, lines_per_second: int) -> None:
        self._logger: Final = logger
        self._lines_max: Final = lines_per_second
        self._lock = threading.Lock()
        self._second = 0
        self._lines = 0
        self._left_out = 0

    def info(self, message: str, **facts: object) -> None:
        """Write a line, or count it; the next one says how many were left out before it."""
        second = int(time.monotonic())
        with self._lock:
            if second != self._second:
                self._second, self._lines = second, 0
            if self._lines >= self._lines_max:
                self._left_out += 1
                return
            self._lines += 1
            left_out, self._left_out = self._left_out, 0
        self._logger.info(message, extra=facts | ({"left_out": left_out} if left_out else {}))
