"""Remembers that a dependency is away, so that not every caller has to find out."""

from __future__ import annotations

import threading
import time


class Breaker:
    """Opens at a failure; then lets one caller in every few seconds try whether it is back."""

    def __init__(self, *, retry_seconds: float) -> None:
        self._retry_seconds = retry_seconds
        self._lock = threading.Lock()
        self._is_open = False
        self._next_try = 0.0

    @property
    def is_open(self) -> bool:
        """Tell whether the dependency did not answer when it was last asked."""
        return self._is_open

    def allows(self) -> bool:
        """Tell whether this caller may ask the dependency."""
        if not self._is_open:
            return True
        with self._lock:
            if time.monotonic() < self._next_try:
                return False
            # The others wait for what this one finds.
            self._next_try = time.monotonic() + self._retry_seconds
            return True

    def failed(self) -> bool:
        """Note that the dependency did not answer; tell whether that is news."""
        with self._lock:
            is_news = not self._is_open
            self._is_open = True
            self._next_try = time.monotonic() + self._retry_seconds
            return is_news

    def succeeded(self) -> bool:
        """Note that it answered; tell whether that is news."""
        if not self._is_open:
            return False
        with self._lock:
            is_news = self._is_open
            self._is_open = False
            return is_news
