"""The journal of a long run: JSON lines that are on the disk before anything is sent."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.stress.faults import journal
from tests.stress.faults.journal import Answer, Op


class SafeFile:
    """Lines that are on the disk when `write` returns; who waits at the same time shares a sync."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._lock = threading.Condition()
        self._waiting: list[bytes] = []
        self._written = self._synced = 0
        self._is_syncing = False

    def write(self, **told: Any) -> None:
        """Append one JSON object."""
        line = json.dumps({"at": round(time.monotonic(), 6), **told}).encode() + b"\n"
        with self._lock:
            self._waiting.append(line)
            self._written += 1
            mine = self._written
            while self._synced < mine:
                if self._is_syncing:
                    self._lock.wait()
                    continue
                batch, upto = self._waiting, self._written
                self._waiting, self._is_syncing = [], True
                self._lock.release()
                try:
                    self._file.write(b"".join(batch))
                    os.fsync(self._file.fileno())
                finally:
                    self._lock.acquire()
                    self._is_syncing = False
                self._synced = upto
                self._lock.notify_all()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@dataclass(frozen=True, slots=True)
class Timed:
    """An answer's moment and how long it took."""

    at: float
    seconds: float
    status: int


@dataclass
class Journal(journal.Journal):
    """Every op and read of one kind of client."""

    file: SafeFile | None = None
    name: str = ""
    timed: list[Timed] = field(default_factory=list)

    def note(self, answer: Answer) -> None:
        """Remember an answer and when it came."""
        super().note(answer)
        self.timed.append(Timed(time.monotonic(), answer.seconds, answer.status))

    def read(self, path: str, answer: Answer, **told: Any) -> None:
        """Write down what a read was told."""
        self.note(answer)
        self._put(word="read", path=path, status=answer.status, **told)

    def _write(self, word: str, op: Op, answer: Answer | None = None) -> None:
        told: dict[str, Any] = {}
        if answer is not None:
            told = {"status": answer.status, "again": answer.is_repeat}
            told["body"] = answer.why or answer.body.decode(errors="replace")
        self._put(
            word=word,
            key=op.key,
            verb=op.verb,
            wallet=op.wallet,
            destination=op.destination,
            amount=op.amount,
            **told,
        )

    def _put(self, **told: Any) -> None:
        assert self.file is not None
        self.file.write(journal=self.name, **told)
