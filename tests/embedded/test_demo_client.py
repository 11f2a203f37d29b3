"""The starter's own calls to the service it has started: sent again like any good client's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from deploy.starter import web
from deploy.starter.errors import StartError

CUT = 200
"""An answer of which only the beginning comes."""


@pytest.mark.parametrize("unknown", [429, 502, 503, 504, None, CUT])
def test_the_demo_client_asks_again_with_its_key_until_it_knows(
    unknown: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "_PAUSE_SECONDS", 0.01)
    with _service([unknown, unknown, 201]) as (port, keys):
        assert web.call(port, "key", "wallets", {}, idempotency_key="demo-alice") == {"id": "1"}
    assert keys == ["demo-alice"] * 3


@pytest.mark.parametrize("refusal", [409, 422])
def test_the_demo_client_takes_a_no_for_an_answer(refusal: int) -> None:
    refused = pytest.raises(StartError, match=f"wallets answered {refusal}")
    with _service([refusal]) as (port, keys), refused:
        web.call(port, "key", "wallets", {}, idempotency_key="demo-alice")
    assert len(keys) == 1


def test_the_demo_client_gives_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(web, "AGAIN_SECONDS", 0.2)
    with _service([504]) as (port, _), pytest.raises(StartError, match="wallets answered 504"):
        web.call(port, "key", "wallets", {}, idempotency_key="demo-alice")


@contextmanager
def _service(script: list[int | None]) -> Iterator[tuple[int, list[str]]]:
    """Answer with one status after the other, the last one for ever; None closes without a word."""
    keys: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            keys.append(self.headers["Idempotency-Key"])
            status = script[min(len(keys), len(script)) - 1]
            if status is not None:
                self.send_response(status)
                self.send_header("Content-Length", "99" if status == CUT else "11")
                self.end_headers()
                self.wfile.write(b'{"id": "1"}')

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_address[1], keys
        server.shutdown()
