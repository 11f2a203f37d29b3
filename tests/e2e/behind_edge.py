"""The edge by itself: a real HAProxy with the project's configuration, and one server behind it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from deploy.stack import packages
from tests.embedded.starting import free_port

CONFIG = "deploy/edge/haproxy.cfg"
LANE_PATH = "/api/v1/wallets/alice/balance"


@dataclass
class Server:
    """A server behind the edge that remembers who came by which of its connections."""

    callers: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))

    def names(self) -> set[str]:
        """Tell who has come."""
        return set().union(*list(self.callers.values()))

    @contextlib.contextmanager
    def listening(self) -> Iterator[str]:
        callers = self.callers

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def do_GET(self) -> None:
                if "X-Caller" in self.headers:
                    callers[self.client_address[1]].add(self.headers["X-Caller"])
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Stay quiet."""

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """The edge cuts connections that it needs no more."""

        with Quiet(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"127.0.0.1:{server.server_address[1]}"
            server.shutdown()


@dataclass(frozen=True)
class Edge:
    """A HAProxy that runs."""

    program: str
    process: subprocess.Popen[bytes]
    port: int


def environment(server: str, port: int, **more: str) -> dict[str, str]:
    """Make what the edge's configuration reads: one server does for all kinds."""
    here = {"EDGE_BIND": f"127.0.0.1:{port}", "LANE_SERVER": server, "WEB_SERVER": server}
    kept = {name: value for name, value in os.environ.items() if name != "DENY_LIST"}
    return kept | here | more


@contextlib.contextmanager
def edge(server: str, *options: str, **more: str) -> Iterator[Edge]:
    """Run HAProxy with the project's configuration in front of one server."""
    program = packages.find_haproxy()
    assert program is not None
    port = free_port()
    process = subprocess.Popen(
        [program, "-db", *options, "-f", CONFIG],
        env=environment(server, port, **more),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Edge(program, process, port)
    finally:
        process.terminate()
        process.wait(30)


def call(
    connection: HTTPConnection, caller: str, path: str = LANE_PATH, body: bytes | None = None
) -> int:
    """Call once, a POST where there is a body, and return the status."""
    method = "GET" if body is None else "POST"
    connection.request(method, path, body, {"Host": "localhost", "X-Caller": caller})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def wait_for(port: int) -> None:
    """Wait until the edge and the server behind it answer."""
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError):
            if call(HTTPConnection("127.0.0.1", port, timeout=5), "nobody") == 200:
                return
        assert time.monotonic() < deadline, "the edge does not answer"
        time.sleep(0.05)
