"""What the edge keeps away: networks on its deny list, and callers who send drop by drop."""

from __future__ import annotations

import contextlib
import json
import selectors
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.behind_edge import CONFIG, LANE_PATH, Edge, Server, call, edge, environment, wait_for

pytestmark = pytest.mark.full_stack

SLOW = 200
HEADER_SECONDS = 3.0
"""`timeout http-request` of the edge."""


def ask(port: int, caller: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Call on a connection of its own: after a reload the old process still has the others."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", LANE_PATH, headers={"Host": "localhost", "X-Caller": caller})
    answer = connection.getresponse()
    body = answer.read()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    connection.close()
    return answer.status, json.loads(body) if body else {}, headers


def reload_until(running: Edge, status: int) -> None:
    """Let the edge read its list anew. HAProxy can miss a signal in the moment in which it starts
    itself, so it is told again."""
    for _ in range(5):
        running.process.send_signal(signal.SIGUSR2)
        until = time.monotonic() + 1
        while time.monotonic() < until:
            if ask(running.port, "reloading")[0] == status:
                return
            time.sleep(0.05)
    pytest.fail(f"It is never {status}.")


def test_a_network_on_the_list_is_refused_and_taken_again_after_a_reload(tmp_path: Path) -> None:
    """Alice and Mallory share an address here; what changes is the list."""
    listed = tmp_path / "deny.lst"
    listed.write_text("# nobody yet\n203.0.113.0/24\n2001:db8::/32\n")
    server = Server()
    with server.listening() as address, edge(address, "-W", DENY_LIST=str(listed)) as running:
        wait_for(running.port)
        assert ask(running.port, "alice")[0] == 200

        with listed.open("a") as file:
            file.write("127.0.0.0/8\n")
        assert ask(running.port, "alice")[0] == 200, "not before it is told to read it again"
        reload_until(running, 403)

        status, told, headers = ask(running.port, "mallory")
        assert (status, told["status"], told["code"]) == (403, 403, "address_denied")
        assert headers["content-type"] == "application/problem+json"
        assert told["requestId"] == headers["x-request-id"]
        assert "mallory" not in server.names(), "no server was bothered"

        listed.write_text("")
        reload_until(running, 200)
        assert ask(running.port, "bob")[0] == 200
    assert {"alice", "bob"} <= server.names()


def test_a_list_that_is_wrong_changes_nothing(tmp_path: Path) -> None:
    """A reload with a slip of the pen must neither open the door nor close it."""
    listed = tmp_path / "deny.lst"
    listed.write_text("127.0.0.0/8\n")
    with Server().listening() as address, edge(address, "-W", DENY_LIST=str(listed)) as running:
        wait_until_listening(running.port)
        assert ask(running.port, "mallory")[0] == 403
        listed.write_text("127.0.0.0/8\n10.0.0.0/333\n")
        looked = subprocess.run(
            [running.program, "-c", "-f", CONFIG],
            env=environment(address, running.port, DENY_LIST=str(listed)),
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        assert looked.returncode == 1
        assert "10.0.0.0/333" in looked.stderr
        for _ in range(3):
            running.process.send_signal(signal.SIGUSR2)
            for _ in range(8):
                assert ask(running.port, "mallory")[0] == 403
                time.sleep(0.05)
        listed.write_text("# nobody\n")
        reload_until(running, 200)


def wait_until_listening(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        with contextlib.suppress(OSError):
            ask(port, "nobody")
            return
        assert time.monotonic() < deadline, "the edge does not answer"
        time.sleep(0.05)


@dataclass
class Dripping:
    """Connections that send a request's head byte by byte, until the edge ends them."""

    port: int
    open: int = 0
    lived: list[float] = field(default_factory=list)
    """For how long, of each that was ended."""
    answers: list[bytes] = field(default_factory=list)

    def run(self, count: int, *, at_most: float) -> None:
        head = f"GET {LANE_PATH} HTTP/1.1\r\nHost: localhost\r\nX-Caller: mallory\r\nX-Pad: "
        text = head.encode() + b"x" * 1_000
        chosen = selectors.DefaultSelector()
        began: dict[socket.socket, float] = {}
        for _ in range(count):
            made = socket.create_connection(("127.0.0.1", self.port), timeout=5)
            made.setblocking(False)
            began[made] = time.monotonic()
            chosen.register(made, selectors.EVENT_READ)
        self.open = count
        position, until = 0, time.monotonic() + at_most
        while began and time.monotonic() < until:
            for made in began:
                with contextlib.suppress(OSError):
                    made.send(text[position : position + 1])
            position += 1
            pause = time.monotonic() + 0.1
            while (left := pause - time.monotonic()) > 0:
                for key, _ in chosen.select(left):
                    self._end(chosen, key.fileobj, began)
        for made in began:
            made.close()

    def _end(self, chosen: Any, made: Any, began: dict[socket.socket, float]) -> None:
        try:
            said = made.recv(4096)
        except ConnectionResetError:
            said = b""
        chosen.unregister(made)
        made.close()
        self.lived.append(time.monotonic() - began.pop(made))
        self.answers.append(said)
        self.open -= 1


def test_slow_callers_are_cut_off_and_hinder_nobody() -> None:
    server = Server()
    with server.listening() as address, edge(address) as running:
        wait_for(running.port)
        slow = Dripping(running.port)
        thread = threading.Thread(target=slow.run, args=(SLOW,), kwargs={"at_most": 8.0})
        thread.start()
        while slow.open < SLOW:
            assert thread.is_alive()
            time.sleep(0.01)

        answered = during = 0
        slowest = 0.0
        kept = HTTPConnection("127.0.0.1", running.port, timeout=5)
        while thread.is_alive():
            during += slow.open == SLOW
            for one in (kept, HTTPConnection("127.0.0.1", running.port, timeout=5)):
                started = time.monotonic()
                assert call(one, "alice") == 200
                slowest = max(slowest, time.monotonic() - started)
                answered += 1
                if one is not kept:
                    one.close()
            time.sleep(0.01)
        thread.join()
        kept.close()

    assert during > 20, "they were all there while Alice called"
    assert answered > 40
    assert slowest < 1.0
    assert len(slow.lived) == SLOW, "each was ended by the edge"
    assert HEADER_SECONDS - 0.5 < min(slow.lived) <= max(slow.lived) < HEADER_SECONDS + 1.5
    told = [said for said in slow.answers if said]
    assert len(told) > SLOW / 2, "who sent just as the edge closed may have heard nothing"
    assert {said[:12] for said in told} == {b"HTTP/1.1 408"}
    assert "mallory" not in server.names()


MOST = 10
"""Connections that one address may have in these tests."""


@contextlib.contextmanager
def few_connections() -> Iterator[Edge]:
    """Run an edge that lets an address have ten connections, which Alice takes all."""
    server = Server()
    with server.listening() as address, edge(address, CONNECTIONS_PER_ADDRESS=str(MOST)) as running:
        wait_for(running.port)
        time.sleep(0.2)  # for the edge to notice that those that waited are gone
        yield running


def connected(port: int) -> HTTPConnection:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    connection.connect()
    return connection


def test_an_address_has_its_share_of_connections_and_is_told_when_it_wants_more() -> None:
    with few_connections() as running, contextlib.ExitStack() as opened:
        alices = [
            opened.enter_context(contextlib.closing(connected(running.port))) for _ in range(MOST)
        ]
        assert [call(one, "alice") for one in alices] == [200] * MOST

        status, told, headers = ask(running.port, "mallory")
        assert (status, told["status"], told["code"]) == (429, 429, "too_many_connections")
        assert headers["content-type"] == "application/problem+json"
        assert headers["retry-after"] == "1"
        assert told["requestId"] == headers["x-request-id"]
        assert [call(one, "alice") for one in alices] == [200] * MOST, "those it had go on"

        alices[0].close()
        deadline = time.monotonic() + 5
        while ask(running.port, "bob")[0] != 200:
            assert time.monotonic() < deadline, "a connection that ended is free for another"
            time.sleep(0.05)


def test_a_flood_from_one_address_is_closed_at_the_door() -> None:
    with few_connections() as running, contextlib.ExitStack() as opened:
        chosen = selectors.DefaultSelector()
        closed = 0
        for _ in range(5 * MOST):
            try:
                one = socket.create_connection(("127.0.0.1", running.port), timeout=5)
            except ConnectionResetError:  # before this end knew that it was open
                closed += 1
                continue
            opened.callback(one.close)
            chosen.register(one, selectors.EVENT_READ)
        deadline = time.monotonic() + 2  # less than the edge waits for a head
        while closed < 3 * MOST and time.monotonic() < deadline:
            for key, _ in chosen.select(0.1):
                chosen.unregister(key.fileobj)
                closed += 1
        assert closed >= 3 * MOST
        assert chosen.select(0.2) == [], "the first of them wait to say something"
