"""Requests as plain values, and as the bytes that go over the wire."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request to the service under test, without its host."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a service listens, and what every request to it carries."""

    host: str
    port: int
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Return the base URL."""
        return f"http://{self.host}:{self.port}"


def encode(request: Request, address: Address) -> bytes:
    """Write a request as HTTP/1.1 over a kept connection."""
    lines = [
        f"{request.method} {request.path} HTTP/1.1",
        f"Host: {address.host}:{address.port}",
        *(f"{name}: {value}" for name, value in {**address.headers, **request.headers}.items()),
    ]
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(request.body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + request.body


def write_file(path: Path, messages: Iterable[bytes]) -> int:
    """Write messages to a file that both clients read, each behind its length; return how many."""
    count = 0
    with path.open("wb") as file:
        for message in messages:
            file.write(b"%d\n" % len(message))
            file.write(message)
            count += 1
    return count


def read_file(path: Path) -> Iterator[bytes]:
    """Read the messages back.

    :raises ValueError: when the file ends in the middle of one.
    """
    with path.open("rb") as file:
        while line := file.readline():
            length = int(line)
            message = file.read(length)
            if len(message) != length:
                raise ValueError(f"{path} is cut short")
            yield message
