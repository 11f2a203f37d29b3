"""A client's own server: a real one on a port of this machine, that can be told how to behave."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """A request as the receiver saw it."""

    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def id(self) -> str:
        """The event's id."""
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """What it answers, and what it was called with."""

    statuses: list[int] = field(default_factory=list)
    """Answered one after the other; after them, 200."""
    hangs: bool = False
    """Never answers."""
    delay_seconds: float = 0.0
    drips: bool = False
    """Sends a byte of its headers now and then."""
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    port: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def ids(self) -> list[str]:
        """The events' ids in the order of the calls."""
        return [call.id for call in self.calls]

    def answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        """Answer one request as told."""
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.calls.append(Call(handler.path, headers, body))
        if self.hangs:
            self.over.wait(60)
            return
        if self.drips:
            for byte in b"HTTP/1.1 200 OK\r\n" * 100:
                if self.over.wait(0.05):
                    return
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
        time.sleep(self.delay_seconds)
        handler.send_response(self.statuses.pop(0) if self.statuses else 200)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(self.body)))
        handler.end_headers()
        handler.wfile.write(self.body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of callers that hung up."""


@contextmanager
def receiver(**behaviour: Any) -> Iterator[Receiver]:
    """Run a receiver."""
    told = Receiver(**behaviour)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            told.answer(self, self.rfile.read(length))

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

    server = _Server(("127.0.0.1", 0), Handler)
    told.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        told.over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
