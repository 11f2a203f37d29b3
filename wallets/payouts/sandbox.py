"""A payment gateway for trying out and for tests, which can be in any mood.

It keeps to the contract of `http_gateway.py`, and pays once for a key. What it has paid it keeps in
memory only. Not for production: nobody is asked for a credential.
"""

from __future__ import annotations

import json
import random
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

BODY_BYTES_MAX: Final = 64 * 1024


@dataclass(slots=True)
class Mood:
    """How many of a hundred requests meet each misbehaviour, each by itself."""

    slow: int = 0
    slow_milliseconds: int = 1_000
    fail: int = 0
    """Answers 500 and does nothing."""
    fail_late: int = 0
    """Does it, and answers 500."""
    lose: int = 0
    """Does it, and hangs up without an answer."""
    twice: int = 0
    """Answers twice on one connection."""
    garbage: int = 0
    """Does it, and answers what nobody can read."""
    refuse: int = 0
    """Refuses a payment it has not seen before."""
    pending: int = 0
    """Takes a payment it has not seen before, and decides when it is asked for it."""


@dataclass(slots=True)
class Ledger:
    """What the gateway has decided, by key."""

    decided: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    """How often each key was asked to be paid."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def paid(self) -> list[dict[str, Any]]:
        """List the payments that were made."""
        with self.lock:
            return [one for one in self.decided.values() if one["status"] == "paid"]


class Sandbox(ThreadingHTTPServer):
    """The server. `port` 0 takes any."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int = 0, *, mood: Mood | None = None, seed: int | None = None) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.mood = mood or Mood()
        self.ledger = Ledger()
        self._random = random.Random(seed)  # noqa: S311 - misbehaves, guards nothing

    @property
    def url(self) -> str:
        """Tell where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def feels(self, likelihood: int) -> bool:
        """Tell whether it misbehaves this time."""
        return self._random.randrange(100) < likelihood

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of callers that hang up."""

    def pay(self, key: str, body: dict[str, Any]) -> dict[str, Any]:
        """Decide about a payment, once."""
        with self.ledger.lock:
            self.ledger.asked[key] = self.ledger.asked.get(key, 0) + 1
            known = self.ledger.decided.get(key)
            if known is None:
                known = self._decide(key, body)
                self.ledger.decided[key] = known
            return known

    def find(self, key: str) -> dict[str, Any] | None:
        """Tell what became of a key; a payment in progress is decided by the question."""
        with self.ledger.lock:
            known = self.ledger.decided.get(key)
            if known is not None and known["status"] == "pending":
                known["status"] = "paid"
            return None if known is None else dict(known)

    def _decide(self, key: str, body: dict[str, Any]) -> dict[str, Any]:
        made = {
            "id": f"pay-{len(self.ledger.decided) + 1}",
            "key": key,
            "amount": body.get("amount"),
            "currency": body.get("currency"),
        }
        if self.feels(self.mood.refuse):
            return made | {"status": "refused", "reason": "account_closed"}
        return made | {"status": "pending" if self.feels(self.mood.pending) else "paid"}


class _Handler(BaseHTTPRequestHandler):
    server: Sandbox
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_POST(self) -> None:
        length = min(int(self.headers.get("Content-Length") or 0), BODY_BYTES_MAX)
        body = json.loads(self.rfile.read(length) or b"{}")
        key = self.headers.get("Idempotency-Key", "")
        if self.path != "/payments" or not key:
            self._answer(404, {"status": "error"})
            return
        if self._fails_early():
            return
        found = self.server.pay(key, body)
        statuses = {"paid": 201, "pending": 202, "refused": 422}
        self._answer_somehow(statuses[found["status"]], found)

    def do_GET(self) -> None:
        if self.path == "/payments":
            self._answer(200, {"payments": self.server.ledger.paid()})
            return
        if self._fails_early():
            return
        found = self.server.find(self.path.removeprefix("/payments/"))
        if found is None:
            self._answer_somehow(404, {"status": "unknown"})
        else:
            self._answer_somehow(200, found)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep still: whoever runs it reads what it paid."""

    def _fails_early(self) -> bool:
        mood = self.server.mood
        if self.server.feels(mood.slow):
            time.sleep(timedelta(milliseconds=mood.slow_milliseconds).total_seconds())
        if self.server.feels(mood.fail):
            self._answer(500, {"status": "error"})
            return True
        return False

    def _answer_somehow(self, status: int, content: dict[str, Any]) -> None:
        mood = self.server.mood
        if self.server.feels(mood.lose):
            self.close_connection = True
        elif self.server.feels(mood.fail_late):
            self._answer(500, {"status": "error"})
        elif self.server.feels(mood.garbage):
            self._send(status, b"<html>")
        else:
            self._answer(status, content)
            if self.server.feels(mood.twice):
                self._answer(status, content)

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        self._send(status, json.dumps(content).encode())

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
