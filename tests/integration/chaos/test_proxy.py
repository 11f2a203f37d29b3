"""A road in each of its moods, between a caller and an echo on this machine."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.chaos.proxy import LOOPBACK, Mode, Proxy, Roads, Terms


@pytest.fixture
def heard() -> list[bytes]:
    """What the server at the end of the road has received."""
    return []


@pytest.fixture
def road(heard: list[bytes]) -> Iterator[Proxy]:
    """A clear road to a server that says everything twice."""
    with socket.create_server((LOOPBACK, 0)) as server, Roads() as roads:
        threading.Thread(target=_echo, args=(server, heard), daemon=True).start()
        yield roads.open("road", to=server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)


def _echo(server: socket.socket, heard: list[bytes]) -> None:
    def answer(connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(65_536):
                    heard.append(data)
                    connection.sendall(data + data)
            except OSError:
                return

    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


def connect(road: Proxy) -> socket.socket:
    return socket.create_connection((LOOPBACK, road.port), timeout=5)


def say(connection: socket.socket, text: bytes) -> bytes:
    """Say something and read twice as much."""
    connection.sendall(text)
    received = b""
    while len(received) < 2 * len(text):
        more = connection.recv(65_536)
        if not more:
            break
        received += more
    return received


def test_a_clear_road_carries_both_ways(road: Proxy) -> None:
    with connect(road) as caller:
        assert say(caller, b"hello") == b"hellohello"
    assert road.counts["connections"] == 1
    assert road.counts["bytes"] == 15


def test_latency_delays_each_way_and_is_counted(road: Proxy) -> None:
    road.set(Terms(Mode.LATENCY, delay_seconds=0.2))
    with connect(road) as caller:
        began = time.monotonic()
        assert say(caller, b"hello") == b"hellohello"
    assert time.monotonic() - began >= 0.4
    assert road.counts[Mode.LATENCY] >= 2


def test_nobody_listens_on_a_refused_road_until_it_is_healed(road: Proxy) -> None:
    with connect(road) as caller:
        assert say(caller, b"x") == b"xx"
        road.set(Terms(Mode.REFUSE))
        with pytest.raises(OSError):
            connect(road)
        with pytest.raises(ConnectionResetError):
            say(caller, b"x")
    assert road.counts[Mode.REFUSE] == 1
    road.heal()
    with connect(road) as caller:
        assert say(caller, b"x") == b"xx"


def test_a_reset_road_takes_callers_and_throws_them_out(road: Proxy, heard: list[bytes]) -> None:
    road.set(Terms(Mode.RESET))
    with connect(road) as caller, pytest.raises(ConnectionResetError):
        say(caller, b"x")
    assert heard == []
    assert road.counts[Mode.RESET] == 1


def test_a_blackhole_keeps_everything_until_it_is_healed(road: Proxy) -> None:
    with connect(road) as caller:
        assert say(caller, b"x") == b"xx"
        road.set(Terms(Mode.BLACKHOLE))
        caller.settimeout(0.3)
        with pytest.raises(TimeoutError):
            say(caller, b"y")
        assert road.counts[Mode.BLACKHOLE] == 1
        road.heal()
        caller.settimeout(5)
        assert caller.recv(10) == b"yy"


def test_a_narrow_road_takes_its_time(road: Proxy) -> None:
    road.set(Terms(Mode.BANDWIDTH, bytes_a_second=1_000))
    with connect(road) as caller:
        began = time.monotonic()
        assert say(caller, b"x" * 100) == b"x" * 200
    assert time.monotonic() - began >= 0.3


def test_a_slicer_loses_nothing(road: Proxy) -> None:
    road.set(Terms(Mode.SLICER))
    text = bytes(range(256)) * 40
    with connect(road) as caller:
        assert say(caller, text) == text * 2 or len(say(caller, b"")) == 0
    assert road.counts[Mode.SLICER] > 64


def test_a_cut_road_breaks_off_in_the_midst_of_an_answer(road: Proxy) -> None:
    road.set(Terms(Mode.CUT, cut_bytes=100))
    with connect(road) as caller:
        assert say(caller, b"x" * 40) == b"x" * 80  # shorter than the cut
        caller.sendall(b"y" * 100)
        received = b""
        with pytest.raises(ConnectionResetError):
            while more := caller.recv(65_536):
                received += more
    assert len(received) <= 100
    assert road.counts[Mode.CUT] == 1


def test_a_dropped_answer_is_that_of_a_request_which_arrived(
    road: Proxy, heard: list[bytes]
) -> None:
    road.set(Terms(Mode.DROP, only=b"COMMIT"))
    with connect(road) as caller:
        assert say(caller, b"insert") == b"insertinsert"
        with pytest.raises(ConnectionResetError):
            say(caller, b"commit")
    assert b"".join(heard) == b"insertcommit"
    assert road.counts[Mode.DROP] == 1
