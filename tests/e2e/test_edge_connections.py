"""The edge's connections to the servers behind it: each serves one caller's connection only."""

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

import pytest

from deploy.stack import packages
from tests.embedded.starting import free_port

pytestmark = pytest.mark.full_stack

LANE_PATH = "/api/v1/wallets/alice/balance"


@dataclass
class Server:
    """A server behind the edge that remembers who came by which of its connections."""

    callers: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))

    @contextlib.contextmanager
    def listening(self) -> Iterator[str]:
        callers = self.callers

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

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


@contextlib.contextmanager
def edge(server: str) -> Iterator[int]:
    """Run HAProxy with the project's configuration in front of one server, and yield its port."""
    program = packages.find_haproxy()
    assert program is not None
    port = free_port()
    environment = os.environ | {
        "EDGE_BIND": f"127.0.0.1:{port}",
        "LANE_SERVER": server,
        "WEB_SERVER": server,
    }
    process = subprocess.Popen(
        [program, "-db", "-f", "deploy/edge/haproxy.cfg"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        process.terminate()
        process.wait(30)


def call(connection: HTTPConnection, caller: str) -> int:
    connection.request("GET", LANE_PATH, headers={"Host": "localhost", "X-Caller": caller})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError):
            if call(HTTPConnection("127.0.0.1", port, timeout=5), "nobody") == 200:
                return
        assert time.monotonic() < deadline, "the edge does not answer"
        time.sleep(0.05)


def test_no_caller_inherits_a_connection_that_the_server_may_be_closing() -> None:
    """Alice leaves idle connections behind. One that Bob inherited could end just as his POST is
    written to it, and the edge would close his own connection without a word."""
    server = Server()
    with server.listening() as address, edge(address) as port:
        wait_for(port)
        left = [HTTPConnection("127.0.0.1", port, timeout=5) for _ in range(20)]
        for connection in left:
            assert call(connection, "alice") == 200
        for connection in left:
            connection.close()
        bobs = HTTPConnection("127.0.0.1", port, timeout=5)
        for _ in range(20):
            assert call(bobs, "bob") == 200
        bobs.close()
    assert [found for found in server.callers.values() if len(found) > 1] == []
    assert len([found for found in server.callers.values() if "bob" in found]) == 1
