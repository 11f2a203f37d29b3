"""Does the kit itself work? Not part of `make test`, because it takes minutes:

`python -m deploy.stack run -- python -m pytest tests/bench/smoke.py`
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.bench import __main__ as bench
from tests.bench import messages, open_loop
from tests.bench.messages import Address, Request

ADAPTER = """
from tests.bench.messages import Request

NAME = "theirs"
EXPECTED = {"create_wallet": 200, "deposit": %d}


def create_wallet(number, key):
    return Request("POST", "/wallets", {}, b"{}")


def read_id(body):
    return body.decode()


def deposit(wallet, amount, key):
    return Request("POST", f"/wallets/{wallet}/deposit/{key}", {}, b"{}")


def verify():
    return %r
"""


@contextmanager
def another_service(*, stall_seconds: float = 0.0) -> Iterator[int]:
    """A service of somebody else's: every answer is 200 and names a wallet. May stall once."""
    stalls = iter([stall_seconds])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if "stall" in self.path:
                time.sleep(next(stalls, 0.0))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"w1")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def measured(tmp_path: Path, *, expected: int = 200, books: str = "") -> tuple[int, str]:
    """Measure that service; return the exit code and the JSON."""
    spoken = tmp_path / "theirs.py"
    spoken.write_text(ADAPTER % (200, books))
    if expected != 200:
        spoken.write_text((ADAPTER % (200, books)) + f'\nEXPECTED["deposit"] = {expected}\n')
    with another_service() as port:
        words = ["--quick", "--wallets", "3", "--adapter", str(spoken)]
        words += ["--url", f"http://127.0.0.1:{port}", "--output", str(tmp_path)]
        code = bench.main([*words, "--loads", "deposit"])
    file = tmp_path / "bench.json"
    return code, file.read_text() if file.exists() else ""


def test_another_service_is_measured_by_its_address(tmp_path: Path) -> None:
    code, text = measured(tmp_path)

    assert code == 0
    figures = json.loads(text)["figures"]
    assert {one["service"] for one in figures} == {"theirs"}
    assert all(one["medians"]["per_second"] > 10 for one in figures)
    assert {one["rate"] for one in figures} == {None, 100.0}


def test_answers_that_were_not_expected_fail_the_run(tmp_path: Path) -> None:
    code, text = measured(tmp_path, expected=201)

    assert code == 1
    assert text == ""  # not even its wallets could be funded


def test_broken_books_fail_the_run(tmp_path: Path) -> None:
    code, text = measured(tmp_path, books="a cent is missing")

    assert code == 1
    assert {one["books"] for one in json.loads(text)["figures"]} == {"a cent is missing"}


def test_a_stall_shows_in_the_open_loop(tmp_path: Path) -> None:
    """One connection: whoever is due while the service stalls waits, and the figures say so."""
    with another_service(stall_seconds=0.6) as port:
        address = Address("127.0.0.1", port)
        file = tmp_path / "requests"
        one = messages.encode(Request("POST", "/stall", {}, b"{}"), address)
        messages.write_file(file, [one] * 200)

        answers = open_loop.run(address, file, rate=100, seconds=2, connections=1)

    assert answers.statuses == {200: 200}
    assert answers.latency_ms["max_ms"] >= 600
    assert answers.latency_ms["p95_ms"] > 300  # not one request in two hundred, but sixty


@pytest.mark.full_stack
def test_this_service_is_measured_with_its_books(tmp_path: Path) -> None:
    code = bench.main(
        ["--quick", "--no-in-process", "--loads", "deposit;balance", "--output", str(tmp_path)]
    )

    assert code == 0
    found = json.loads((tmp_path / "bench.json").read_text())
    assert {one["service"] for one in found["figures"]} == {bench.OURS, bench.ALONE}
    assert {one["books"] for one in found["figures"]} == {"hold"}
    assert {"web", "relay", "worker", "mysql-primary", "redis", "kafka"} <= set(found["memory"])
    assert (tmp_path / "rates.svg").exists()
