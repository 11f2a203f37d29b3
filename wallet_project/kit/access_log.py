"""The access lines of an event loop: written together a few times a second.

A line looks like every other one of the log, but a record, a handler and a formatter for each of
twenty thousand requests a second would cost more than the requests.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final, Protocol

import msgspec

from wallet_project.kit import logs

FLUSH_SECONDS: Final = 0.1
_LINES_MAX: Final = 4096

_encoder: Final = msgspec.json.Encoder()


class Logged(Protocol):
    """What the log tells of a call. No query, no body: they may hold what nobody should read."""

    method: str
    path: str
    request_id: str
    client_name: str


class AccessLog:
    """Gathers lines and writes them to standard error, where all log lines go."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._is_due = False

    def note(self, call: Logged, status: int, seconds: float) -> None:
        """Add the line of a call that was answered."""
        if not logs.access.isEnabledFor(logging.INFO):
            return
        self._lines.append(line_of(call, status, seconds))
        if len(self._lines) >= _LINES_MAX:
            self.flush()
        elif not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        """Write what has gathered."""
        lines, self._lines = self._lines, []
        self._is_due = False
        if lines:
            sys.stderr.write(b"".join(lines).decode("ascii"))
            sys.stderr.flush()


def line_of(call: Logged, status: int, seconds: float) -> bytes:
    """Write a line; text of any origin is escaped to ASCII."""
    moment = datetime.now(UTC).isoformat(timespec="microseconds")[:-6]
    line = {
        "time": f"{moment}Z",
        "level": "info",
        "logger": logs.access.name,
        "message": f"{call.method} {call.path} {status}",
        "request_id": call.request_id,
        "method": call.method,
        "path": call.path,
        "status": status,
        "duration_ms": round(seconds * 1000, 1),
        "client": call.client_name,
    }
    encoded = _encoder.encode(line)
    if not encoded.isascii():  # rare, and the standard library escapes as JSON wants it
        encoded = json.dumps(line, separators=(",", ":")).encode()
    return encoded + b"\n"
