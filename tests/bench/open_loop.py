"""Requests at a fixed rate, whatever the service does; latencies count from when each was due.

Also the kit's plain client: `collect` sends requests and returns the bodies of their answers.
Runs as a process of its own, so that its CPU can be told from the bench's.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import json
import resource
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, cast

import uvloop

from tests.bench import figures, messages
from tests.bench.answers import Answers
from tests.bench.closed_loop import ClientFailed
from tests.bench.messages import Address

ANSWER_SECONDS: Final = 15.0
_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"
OnAnswer = Callable[[int, bytes, float], None]
"""Takes status, body, and when the request was really sent."""


class Connection(asyncio.Protocol):
    """One kept connection with at most one request on its way."""

    def __init__(self, on_lost: Callable[[Connection], None]) -> None:
        self._on_lost = on_lost
        self._on_answer: OnAnswer | None = None
        self._received = b""
        self._sent = 0.0
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to write."""
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's claims no kinship

    def send(self, message: bytes, on_answer: OnAnswer) -> None:
        """Send a request and have the answer told."""
        assert self._transport is not None and self._on_answer is None
        self._on_answer = on_answer
        self._sent = time.perf_counter()
        self._transport.write(message)

    def data_received(self, data: bytes) -> None:
        """Collect until the answer is whole."""
        self._received += data
        answer = parse(self._received)
        if answer is not None and self._on_answer is not None:
            told, self._on_answer, self._received = self._on_answer, None, b""
            told(*answer, self._sent)

    def connection_lost(self, exc: Exception | None) -> None:
        """Report it: the kit opens no second one, because a cut connection is a finding."""
        self._on_lost(self)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


def parse(received: bytes) -> tuple[int, bytes] | None:
    """Return status and body of an answer once it is whole."""
    head_end = received.find(_HEAD_END)
    if head_end < 0:
        return None
    body_start = head_end + len(_HEAD_END)
    head = received[:head_end].lower()
    status = int(head[9:12])
    found = head.find(_LENGTH)
    if found < 0:  # chunked: whole at the empty chunk, and nobody here reads such a body
        is_whole = b"chunked" not in head or received.endswith(b"0\r\n\r\n")
        return (status, received[body_start:]) if is_whole else None
    length = int(head[found + len(_LENGTH) :].split(b"\r\n", 1)[0])
    if len(received) < body_start + length:
        return None
    return status, received[body_start : body_start + length]


class Client:
    """A pool of connections; requests wait in order when all are busy."""

    def __init__(self) -> None:
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._waiting: deque[tuple[bytes, OnAnswer]] = deque()
        self._left = 0
        self._empty = asyncio.Event()

    async def connect(self, address: Address, connections: int) -> None:
        """Open so many connections."""
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            _, one = await loop.create_connection(
                lambda: Connection(self._lose), address.host, address.port
            )
            self._open.add(one)
            self._idle.append(one)

    def send(self, message: bytes, on_answer: OnAnswer) -> None:
        """Send a request now, or as soon as a connection is free."""
        self._left += 1
        self._empty.clear()
        self._waiting.append((message, on_answer))
        self._next()

    async def finish(self) -> int:
        """Wait for the answers, hang up, and return how many never came."""
        before = self._left + 1
        while 0 < self._left < before:
            before = self._left
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), ANSWER_SECONDS)
        for one in list(self._open):
            one.close()
        return self._left

    def _next(self) -> None:
        while self._waiting and self._idle:
            message, on_answer = self._waiting.popleft()
            one = self._idle.pop()
            one.send(message, functools.partial(self._take, one, on_answer))

    def _take(self, one: Connection, told: OnAnswer, status: int, body: bytes, sent: float) -> None:
        self._left -= 1
        self._idle.append(one)
        told(status, body, sent)
        self._next()
        if not self._left:
            self._empty.set()

    def _lose(self, one: Connection) -> None:
        self._open.discard(one)
        if one in self._idle:
            self._idle.remove(one)


def collect(
    address: Address, requests: Iterable[bytes], *, connections: int = 32
) -> list[tuple[int, bytes]]:
    """Send requests as fast as they are answered; return status and body of each, in order.

    :raises ClientFailed: when an answer is missing.
    """
    prepared = list(requests)
    found: list[tuple[int, bytes]] = [(0, b"")] * len(prepared)

    async def send_all() -> int:
        client = Client()
        await client.connect(address, min(connections, max(1, len(prepared))))
        for place, message in enumerate(prepared):

            def keep(status: int, body: bytes, sent: float, place: int = place) -> None:
                found[place] = (status, body)

            client.send(message, keep)
        return await client.finish()

    lost = uvloop.run(send_all())
    if lost:
        raise ClientFailed(f"{lost} of {len(prepared)} requests were not answered")
    return found


async def _send_at_rate(
    address: Address, prepared: list[bytes], rate: float, connections: int
) -> dict[str, object]:
    client = Client()
    await client.connect(address, connections)
    start = time.perf_counter() + 0.05
    due = figures.due_times(rate, len(prepared), start=start)
    sent: dict[int, float] = {}
    done: dict[int, float] = {}
    statuses: Counter[int] = Counter()
    for place, message in enumerate(prepared):
        wait = due[place] - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)

        def keep(status: int, body: bytes, sent_at: float, place: int = place) -> None:
            done[place] = time.perf_counter()
            sent[place] = sent_at
            statuses[status] += 1

        client.send(message, keep)
    lost = await client.finish()
    answered = sorted(done)
    ends = [done[place] for place in answered]
    since_due = figures.since_due([due[place] for place in answered], ends)
    since_sent = figures.since_due([sent[place] for place in answered], ends)
    return {
        "seconds": (max(ends) - start) if ends else 0.0,
        "statuses": dict(statuses),
        "broken": lost,
        **figures.summary_ms(since_due),
        "uncorrected_p99_ms": figures.summary_ms(since_sent)["p99_ms"],
    }


def run(address: Address, file: Path, *, rate: float, seconds: float, connections: int) -> Answers:
    """Send the file's requests at an even rate, in a process of its own.

    :raises ClientFailed: when it could not run.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [
            *(sys.executable, "-m", __name__, address.host, str(address.port), str(file)),
            *(str(rate), str(seconds), str(connections)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise ClientFailed(f"the open-loop client failed: {done.stderr.strip()[-500:]}")
    found = json.loads(done.stdout)
    return Answers(
        seconds=found["seconds"],
        statuses={int(status): count for status, count in found["statuses"].items()},
        latency_ms={name: found[name] for name in found if name.endswith("_ms")},
        broken=found["broken"],
        client_cpu_seconds=(after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime),
    )


def main() -> int:
    """Be the process that sends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("rate", type=float)
    parser.add_argument("seconds", type=float)
    parser.add_argument("connections", type=int)
    asked = parser.parse_args()
    prepared = list(messages.read_file(asked.file))[: round(asked.rate * asked.seconds)]
    address = Address(asked.host, asked.port)
    found = uvloop.run(_send_at_rate(address, prepared, asked.rate, asked.connections))
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
