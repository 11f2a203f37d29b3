"""TCP proxies that misbehave on demand, one on every road of the service, and count what they did.

All run on one event loop in a thread of their own; `set` and `heal` may be called from any thread.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

LOOPBACK: Final = "127.0.0.1"
READ_BYTES: Final = 65_536


class Mode(StrEnum):
    """What a road does to those who travel on it."""

    CLEAR = "clear"
    LATENCY = "latency"
    """Each piece comes later, by `delay_seconds` and up to half of that more."""
    REFUSE = "refuse"
    """Nobody listens, and whoever was connected is cut off."""
    RESET = "reset"
    """Connections are accepted and reset at their first byte; those there are reset at once."""
    BLACKHOLE = "blackhole"
    """Connections stay open, and nothing arrives until the road is healed."""
    BANDWIDTH = "bandwidth"
    """`bytes_a_second` on each connection and way."""
    SLICER = "slicer"
    """Every piece arrives byte by byte at first, then in small pieces."""
    CUT = "cut"
    """Reset after `cut_bytes` of an answer, also in the midst of it."""
    DROP = "drop"
    """The request arrives and has its effect; its answer is swallowed and the connection reset."""


@dataclass(frozen=True, slots=True)
class Terms:
    """A mode and its numbers."""

    mode: Mode = Mode.CLEAR
    delay_seconds: float = 0.2
    bytes_a_second: int = 4_096
    cut_bytes: int = 100
    only: bytes = b""
    """With DROP: only answers to requests that contain this, in upper case (`COMMIT`)."""
    share: float = 1.0
    """With DROP, CUT and RESET: of how many answers or connections."""


CLEAR: Final = Terms()


class Roads:
    """The event loop of all proxies. Use it as a context."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self.by_name: dict[str, Proxy] = {}

    def __enter__(self) -> Roads:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for proxy in self.by_name.values():
            self.run(proxy.close())
        self.run(_cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def open(self, name: str, *, to: int, port: int = 0) -> Proxy:
        """Open a road to a port of this machine, itself on a given port or on any."""
        proxy = Proxy(self, name, to)
        self.run(proxy.listen(port))
        self.by_name[name] = proxy
        return proxy

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something on the loop, and wait for it."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


class Proxy:
    """One road: whoever connects to `port` is connected to `target`."""

    def __init__(self, roads: Roads, name: str, target: int) -> None:
        self.name = name
        self.target = target
        self.port = 0
        self.counts: Counter[str] = Counter()
        """By mode, how often it was felt; `connections` and `bytes` besides."""
        self._roads = roads
        self._terms = CLEAR
        self._server: asyncio.Server | None = None
        self._open: set[_Connection] = set()
        self._clear = asyncio.Event()
        self._dice = random.Random(name)

    @property
    def terms(self) -> Terms:
        """Return what the road does now."""
        return self._terms

    def set(self, terms: Terms) -> None:
        """Misbehave from now on."""
        self._roads.run(self._set(terms))

    def heal(self) -> None:
        """Be a plain road again; what a blackhole kept goes on its way."""
        self._roads.run(self._set(CLEAR))

    async def listen(self, port: int) -> None:
        """Begin to take connections."""
        self._clear.set()
        self._server = await asyncio.start_server(self._serve, LOOPBACK, port, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Take none any more, and cut those there are."""
        self._terms = CLEAR
        self._clear.set()
        await self._stop_listening()
        self._cut_all()

    async def held_back(self) -> None:
        """Wait until the road is no blackhole any more."""
        await self._clear.wait()

    def happens(self) -> bool:
        """Throw the dice for a mode that strikes only some."""
        return self._dice.random() < self._terms.share

    def lateness(self) -> float:
        """Return how late the next piece is."""
        return self._terms.delay_seconds * (1 + self._dice.random() / 2)

    async def _set(self, terms: Terms) -> None:
        before, self._terms = self._terms, terms
        if terms.mode is Mode.BLACKHOLE:
            self._clear.clear()
        else:
            self._clear.set()
        if terms.mode in (Mode.REFUSE, Mode.RESET):
            self.counts[terms.mode] += len(self._open)
            self._cut_all()
        if terms.mode is Mode.REFUSE:
            await self._stop_listening()
        elif before.mode is Mode.REFUSE:
            await self.listen(self.port)

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
            await asyncio.sleep(0)

    def _cut_all(self) -> None:
        for connection in list(self._open):
            connection.cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.counts["connections"] += 1
        connection = _Connection(self, reader, writer)
        self._open.add(connection)
        try:
            await connection.carry()
        except (OSError, asyncio.IncompleteReadError):
            connection.cut()
        finally:
            self._open.discard(connection)


class _Connection:
    """Two pumps, one a way, which end together."""

    def __init__(
        self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._proxy = proxy
        self._client_reads, self._client = reader, writer
        self._server: asyncio.StreamWriter | None = None
        self._marked = False
        """The request under way is one whose answer is to be dropped."""
        self._answered = 0

    async def carry(self) -> None:
        """Connect to the target and pass on both ways until one side has ended."""
        proxy = self._proxy
        if proxy.terms.mode is Mode.RESET and proxy.happens():
            await self._client_reads.read(1)
            proxy.counts[Mode.RESET] += 1
            self.cut()
            return
        if proxy.terms.mode is Mode.BLACKHOLE:
            proxy.counts[Mode.BLACKHOLE] += 1
            await proxy.held_back()
        reader, self._server = await asyncio.open_connection(LOOPBACK, proxy.target)
        pumps = [
            asyncio.ensure_future(self._pump(self._client_reads, self._server, answers=False)),
            asyncio.ensure_future(self._pump(reader, self._client, answers=True)),
        ]
        try:
            await asyncio.gather(*pumps)
        finally:
            for pump in pumps:
                pump.cancel()
            for writer in (self._client, self._server):
                writer.close()

    def cut(self) -> None:
        """Reset both sides: no farewell, and what was under way is lost."""
        for writer in (self._client, self._server):
            if writer is None or writer.transport is None:
                continue
            with suppress(OSError):
                raw = writer.get_extra_info("socket")
                if raw is not None:
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        while data := await reader.read(READ_BYTES):
            if not answers:
                self._look_at_request(data)
            if self._proxy.terms.mode is not Mode.CLEAR and not await self._suffer(
                data, writer, answers=answers
            ):
                continue
            self._proxy.counts["bytes"] += len(data)
            writer.write(data)
            await writer.drain()
        with suppress(OSError, RuntimeError):
            writer.write_eof()

    def _look_at_request(self, data: bytes) -> None:
        self._answered = 0
        terms = self._proxy.terms
        wanted = terms.mode is Mode.DROP and terms.only in data.upper()
        self._marked = wanted and self._proxy.happens()

    async def _suffer(self, data: bytes, writer: asyncio.StreamWriter, *, answers: bool) -> bool:
        """Do to a piece what the mode wants; return whether it still has to be passed on."""
        proxy, terms = self._proxy, self._proxy.terms
        match terms.mode:
            case Mode.LATENCY:
                proxy.counts[terms.mode] += 1
                await asyncio.sleep(proxy.lateness())
            case Mode.BLACKHOLE:
                proxy.counts[terms.mode] += 1
                await proxy.held_back()
            case Mode.BANDWIDTH:
                proxy.counts[terms.mode] += 1
                await asyncio.sleep(len(data) / terms.bytes_a_second)
            case Mode.SLICER:
                await self._slice(data, writer)
                return False
            case Mode.DROP if answers and self._marked:
                proxy.counts[terms.mode] += 1
                self.cut()
                return False
            case Mode.CUT if answers and self._answered + len(data) > terms.cut_bytes:
                if not proxy.happens():
                    return True
                writer.write(data[: max(0, terms.cut_bytes - self._answered)])
                with suppress(OSError):
                    await writer.drain()
                proxy.counts[terms.mode] += 1
                self.cut()
                return False
            case Mode.CUT if answers:
                self._answered += len(data)
            case _:
                pass
        return True

    async def _slice(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        """Pass on 32 single bytes, then pieces that grow, each by itself."""
        place, size = 0, 1
        while place < len(data):
            writer.write(data[place : place + size])
            await writer.drain()
            await asyncio.sleep(0)
            self._proxy.counts[Mode.SLICER] += 1
            place += size
            size = 1 if place < 32 else min(4 * size, 4_096)


async def _cancel_all() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
