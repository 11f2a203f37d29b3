"""A part counts as ready only when it answers as itself."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deploy.stack import kafka, mysql, redis
from deploy.stack.layout import LOOPBACK

pytestmark = pytest.mark.usefixtures("socket_enabled")


@contextmanager
def _answering(answer: bytes, listen_first: bool = True) -> Iterator[int]:
    """Answer one caller and yield the port."""
    with socket.create_server((LOOPBACK, 0)) as listener:

        def play() -> None:
            caller, _ = listener.accept()
            with caller:
                if listen_first:
                    caller.recv(4096)
                caller.sendall(answer)

        thread = threading.Thread(target=play, daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join(timeout=10)


@pytest.mark.parametrize(
    ("answer", "ready"), [(b"+PONG\r\n", True), (b"-LOADING dataset\r\n", False), (b"", False)]
)
def test_redis_is_ready_once_its_data_is_loaded(answer: bytes, ready: bool) -> None:
    with _answering(answer) as port:
        assert redis.answers(port) is ready


@pytest.mark.parametrize(("brokers", "ready"), [(1, True), (0, False)])
def test_kafka_is_ready_once_it_counts_itself(brokers: int, ready: bool) -> None:
    with _answering(struct.pack(">iii", 8, 1, brokers)) as port:
        assert kafka.answers(port) is ready


def test_kafka_that_hangs_up_is_not_ready() -> None:
    with _answering(b"\0\0") as port:
        assert kafka.answers(port) is False


@pytest.mark.parametrize(
    ("answer", "ready"),
    [(b"\x4a\0\0\0\x0a8.0.15\0", True), (b"\x17\0\0\0\xff\x10\x04Too many", False)],
)
def test_mysql_is_ready_once_it_greets(answer: bytes, ready: bool) -> None:
    with _answering(answer, listen_first=False) as port:
        assert mysql.answers(port) is ready


def test_nobody_listening_is_not_ready() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = int(listener.getsockname()[1])

    assert not any(part.answers(port) for part in (mysql, redis, kafka))
