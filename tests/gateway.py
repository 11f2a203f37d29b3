"""A sandbox gateway in this process, for tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from wallets.payouts.http_gateway import HttpGateway
from wallets.payouts.sandbox import Mood, Sandbox


@contextmanager
def sandbox(mood: Mood | None = None, *, port: int = 0, seed: int = 1) -> Iterator[Sandbox]:
    """Serve a gateway in a mood until the end."""
    server = Sandbox(port, mood=mood, seed=seed)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def client_of(url: str, *, timeout_seconds: float = 1.0) -> HttpGateway:
    """Speak to a gateway."""
    return HttpGateway(url, timeout_seconds=timeout_seconds)
