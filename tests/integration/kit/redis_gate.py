"""A door before Redis that a test can hold shut or slam, without touching Redis itself."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from urllib.parse import urlsplit

_PATIENCE_SECONDS = 5.0


class RedisGate:
    """Forwards a port of this machine to Redis: open, mute (accepts and never answers) or gone."""

    def __init__(self, redis_url: str) -> None:
        parts = urlsplit(redis_url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 6379)
        self._open = threading.Event()
        self._listener: socket.socket | None = None
        self._connections: list[socket.socket] = []
        self._port = 0
        self.come_back()
        self.url = f"redis://127.0.0.1:{self._port}{parts.path}"

    def __enter__(self) -> RedisGate:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.go_away()

    def fall_silent(self) -> None:
        """Keep connections and answer nothing, like a process that is stopped."""
        self._open.clear()

    def go_on(self) -> None:
        """Forward what has waited, and all that comes."""
        self._open.set()

    def go_away(self) -> None:
        """Close everything, like a process that is killed."""
        self._open.set()
        for end in [self._listener, *self._connections]:
            if end is not None:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
        self._connections.clear()

    def come_back(self) -> None:
        """Listen on the same port as before."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._port = self._listener.getsockname()[1]
        self._open.set()
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                caller, _ = listener.accept()
                redis = socket.create_connection(self._target, timeout=_PATIENCE_SECONDS)
                redis.settimeout(None)
                self._connections += [caller, redis]
                for source, sink in ((caller, redis), (redis, caller)):
                    threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self._open.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)
