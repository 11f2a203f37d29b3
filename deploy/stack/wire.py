"""Speaks just enough of the MySQL protocol to run statements over a server's own socket.

The archive that mysqld comes from has no client program, and no driver is installed yet when
the stack starts. Text protocol, one statement at a time, no TLS: a Unix socket leaves no wire.
"""

from __future__ import annotations

import hashlib
import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

# Bits of the handshake: long password, protocol 41, secure connection, plugin names.
CAPABILITIES = 0x00000001 | 0x00000200 | 0x00008000 | 0x00080000
UTF8MB4 = 45
MAX_PACKET = 1 << 24
COM_QUERY = b"\x03"
OK, SWITCH, END, FAILED, MORE = 0x00, 0xFE, 0xFE, 0xFF, 0x01
FAST_ACCEPTED, FULL_WANTED = b"\x03", b"\x04"
NULL = 0xFB

Row = dict[str, str | None]


class WireError(Exception):
    """Carries what a server answered instead of a result, or that it does not answer."""


class Connection:
    """Talks to one server as one user; use it in a `with` statement."""

    def __init__(self, path: Path, user: str, password: str, timeout: float = 10.0) -> None:
        """Connect and log in.

        :raises WireError: when the server is away or says no.
        """
        self._number = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(str(path))
            self.server_version, salt, plugin = _parse_greeting(self._receive())
            self._log_in(user, password, salt, plugin)
        except OSError as error:
            self._socket.close()
            raise WireError(str(error)) from error
        except WireError:
            self._socket.close()
            raise

    def __enter__(self) -> Connection:
        """Return the connection itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self._socket.close()

    def query(self, statement: str) -> list[Row]:
        """Run a statement and return its rows, each as column name to text.

        :raises WireError: when the server refuses it or falls silent.
        """
        self._number = 0
        try:
            self._send(COM_QUERY + statement.encode())
            first = self._receive()
            return [] if first[0] == OK else self._read_rows(_length(first, 0)[0])
        except OSError as error:
            raise WireError(str(error)) from error

    def _read_rows(self, columns: int) -> list[Row]:
        names = [_column_name(self._receive()) for _ in range(columns)]
        self._receive()
        rows: list[Row] = []
        while True:
            packet = self._receive()
            if packet[0] == END and len(packet) < 9:
                return rows
            rows.append(dict(zip(names, _values(packet), strict=True)))

    def _log_in(self, user: str, password: str, salt: bytes, plugin: str) -> None:
        answer = _scramble(plugin, password, salt)
        self._send(
            struct.pack("<IIB23x", CAPABILITIES, MAX_PACKET - 1, UTF8MB4)
            + user.encode()
            + b"\0"
            + bytes([len(answer)])
            + answer
            + plugin.encode()
            + b"\0"
        )
        while True:
            packet = self._receive()
            if packet[0] == OK:
                return
            if packet[0] == SWITCH:
                name, _, rest = packet[1:].partition(b"\0")
                self._send(_scramble(name.decode(), password, rest.rstrip(b"\0")))
            elif packet[0] == MORE and packet[1:] == FULL_WANTED:
                # In the clear, as the protocol has it on a transport that nobody can listen to.
                self._send(password.encode() + b"\0")
            elif packet[0] != MORE or packet[1:] != FAST_ACCEPTED:
                raise WireError(f"unknown step in the log-in: {packet[:2].hex()}")

    def _send(self, payload: bytes) -> None:
        header = struct.pack("<I", len(payload))[:3] + bytes([self._number])
        self._number = (self._number + 1) & 0xFF
        self._socket.sendall(header + payload)

    def _receive(self) -> bytes:
        header = self._read(4)
        self._number = (header[3] + 1) & 0xFF
        payload = self._read(int.from_bytes(header[:3], "little"))
        if payload[:1] == bytes([FAILED]):
            code = int.from_bytes(payload[1:3], "little")
            text = payload[3:].decode(errors="replace")
            raise WireError(f"{code} {text[6:] if text.startswith('#') else text}")
        return payload

    def _read(self, size: int) -> bytes:
        parts = b""
        while len(parts) < size:
            chunk = self._socket.recv(size - len(parts))
            if not chunk:
                raise WireError("the server closed the connection")
            parts += chunk
        return parts


def _parse_greeting(packet: bytes) -> tuple[str, bytes, str]:
    """Return version, salt and plugin of a server's first packet."""
    version, _, rest = packet[1:].partition(b"\0")
    # 4 thread, 8 salt, 1 filler, 2 + 1 + 2 + 2 flags, 1 salt length, 10 reserved, then the rest.
    salt = rest[4:12]
    tail, _, plugin = rest[31:].partition(b"\0")
    return version.decode(), salt + tail[:12], plugin.rstrip(b"\0").decode()


def _scramble(plugin: str, password: str, salt: bytes) -> bytes:
    """Return the proof of a password that a plugin asks for."""
    if not password:
        return b""
    secret = password.encode()
    if plugin == "mysql_native_password":
        once = hashlib.sha1(secret, usedforsecurity=False).digest()
        twice = hashlib.sha1(once, usedforsecurity=False).digest()
        return _xor(once, hashlib.sha1(salt + twice, usedforsecurity=False).digest())
    if plugin == "caching_sha2_password":
        once = hashlib.sha256(secret).digest()
        twice = hashlib.sha256(once).digest()
        return _xor(once, hashlib.sha256(twice + salt).digest())
    raise WireError(f"unknown authentication plugin {plugin}")


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(left, right, strict=True))


def _length(packet: bytes, at: int) -> tuple[int, int]:
    """Return a length-encoded number and the place behind it."""
    first = packet[at]
    if first < NULL:
        return first, at + 1
    size = {0xFC: 2, 0xFD: 3, 0xFE: 8}[first]
    return int.from_bytes(packet[at + 1 : at + 1 + size], "little"), at + 1 + size


def _values(packet: bytes) -> Sequence[str | None]:
    """Return the fields of a row."""
    found: list[str | None] = []
    at = 0
    while at < len(packet):
        if packet[at] == NULL:
            found.append(None)
            at += 1
            continue
        size, at = _length(packet, at)
        found.append(packet[at : at + size].decode(errors="replace"))
        at += size
    return found


def _column_name(packet: bytes) -> str:
    """Return the name (the fifth field) of a column's definition."""
    at = 0
    for _ in range(4):
        size, at = _length(packet, at)
        at += size
    size, at = _length(packet, at)
    return packet[at : at + size].decode()
