"""Django's SQLite backend with a fair queue of writers, for the embedded service.

`BEGIN IMMEDIATE` alone starves: beside a busy writer three others got two transactions each in
eight seconds, because SQLite polls with growing pauses. Locks on files beside the database, taken
before BEGIN and released at its end, give each of them its share without an error.
"""

from __future__ import annotations

import fcntl
import os
import random
import time
from typing import Any

from django.db import Error, OperationalError
from django.db.backends.sqlite3 import base

_POLL_SECONDS = (0.0005, 0.002)
"""Between one look and the next; the same for all, however long they have waited."""


class DatabaseWrapper(base.DatabaseWrapper):
    """SQLite whose write transactions wait for each other outside SQLite."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._writer_lock: int | None = None

    def _start_transaction_under_autocommit(self) -> None:
        self._take_writer_lock()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except Error:
            self._release_writer_lock()
            raise

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]
        finally:
            if not self._is_in_transaction():
                self._release_writer_lock()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            if not self._is_in_transaction():
                self._release_writer_lock()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._release_writer_lock()

    def _is_in_transaction(self) -> bool:
        return self.connection is not None and bool(self.connection.in_transaction)

    def _take_writer_lock(self) -> None:
        if self._writer_lock is not None or self.is_in_memory_db():
            return
        deadline = time.monotonic() + float(self.settings_dict["OPTIONS"].get("timeout", 5.0))
        # Two locks, like the two doors of a turnstile: who stands between them is next, so a
        # writer that has just finished cannot slip in again before anyone has looked.
        turnstile = self._flock("queue", deadline)
        try:
            self._writer_lock = self._flock("lock", deadline)
        finally:
            os.close(turnstile)

    def _flock(self, name: str, deadline: float) -> int:
        """Take the lock on a file beside the database; closing the descriptor gives it back."""
        path = f"{self.settings_dict['NAME']}.{name}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    os.close(descriptor)
                    raise OperationalError(
                        "database is locked: other writers took too long"
                    ) from None
                time.sleep(random.uniform(*_POLL_SECONDS))  # noqa: S311 - spreads the waiters
            else:
                return descriptor

    def _release_writer_lock(self) -> None:
        lock, self._writer_lock = self._writer_lock, None
        if lock is not None:
            os.close(lock)  # closing the only descriptor releases the flock
