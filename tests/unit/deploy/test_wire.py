"""The small MySQL client against a server that plays back a conversation."""

import hashlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.stack.wire import Connection, WireError

SALT = b"12345678abcdefghijkl"
OK = b"\x00\x00\x00\x02\x00\x00\x00"
END = b"\xfe\x00\x00\x02\x00"


def _packet(number: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([number]) + payload


def _greeting(plugin: bytes) -> bytes:
    fixed = b"\x0a8.0.15\0" + b"\x01\0\0\0" + SALT[:8] + b"\0" + b"\xff\xff\x2d\x02\0\xff\xff\x15"
    return _packet(0, fixed + b"\0" * 10 + SALT[8:] + b"\0" + plugin + b"\0")


def _column(name: bytes) -> bytes:
    fields = (b"def", b"", b"", b"", name, name)
    return b"".join(bytes([len(field)]) + field for field in fields) + b"\x0c" + b"\0" * 12


@contextmanager
def _playing(folder: Path, answers: list[bytes]) -> Iterator[tuple[Path, list[bytes]]]:
    """Serve one caller: an answer first, then one for each thing heard."""
    path = folder / "s"
    heard: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def play() -> None:
            caller, _ = listener.accept()
            with caller:
                for answer in answers:
                    caller.sendall(answer)
                    heard.append(caller.recv(4096))

        thread = threading.Thread(target=play, daemon=True)
        thread.start()
        yield path, heard
        thread.join(timeout=10)


def test_rows_come_back_as_names_and_texts(short_folder: Path) -> None:
    long = b"y" * 300
    rows = _packet(1, b"\x02") + _packet(2, _column(b"a")) + _packet(3, _column(b"b"))
    rows += _packet(4, END) + _packet(5, b"\x01x\xfb")
    rows += _packet(6, b"\x00\xfc\x2c\x01" + long) + _packet(7, END)
    talk = [_greeting(b"mysql_native_password"), _packet(2, OK), rows]

    with (
        _playing(short_folder, talk) as (path, heard),
        Connection(path, "root", "pw") as connection,
    ):
        assert connection.server_version == "8.0.15"
        assert connection.query("SELECT 1") == [
            {"a": "x", "b": None},
            {"a": "", "b": long.decode()},
        ]
    assert heard[1] == _packet(0, b"\x03SELECT 1")


def test_the_password_is_proved_and_never_sent(short_folder: Path) -> None:
    talk = [_greeting(b"mysql_native_password"), _packet(2, OK)]

    with _playing(short_folder, talk) as (path, heard), Connection(path, "root", "pw"):
        pass
    once = hashlib.sha1(b"pw").digest()
    mask = hashlib.sha1(SALT + hashlib.sha1(once).digest()).digest()
    proof = bytes(one ^ other for one, other in zip(once, mask, strict=True))
    assert b"root\0\x14" + proof in heard[0]


def test_the_newer_plugin_may_ask_for_the_whole_password(short_folder: Path) -> None:
    talk = [_greeting(b"caching_sha2_password"), _packet(2, b"\x01\x04"), _packet(4, OK)]

    with _playing(short_folder, talk) as (path, heard), Connection(path, "root", "pw"):
        pass
    assert heard[1] == _packet(3, b"pw\0")


def test_a_refusal_carries_the_servers_words(short_folder: Path) -> None:
    refusal = _packet(2, b"\xff\x15\x04#28000Access denied")

    with (
        _playing(short_folder, [_greeting(b"mysql_native_password"), refusal]) as (path, _),
        pytest.raises(WireError, match=r"^1045 Access denied$"),
    ):
        Connection(path, "root", "wrong")


def test_a_server_that_is_away_is_an_error(short_folder: Path) -> None:
    with pytest.raises(WireError, match="No such file"):
        Connection(short_folder / "nobody", "root", "pw")


def test_a_server_that_falls_silent_is_an_error(short_folder: Path) -> None:
    with (
        _playing(short_folder, [_greeting(b"mysql_native_password")]) as (path, _),
        pytest.raises(WireError, match="closed the connection"),
    ):
        Connection(path, "root", "pw")
