"""The express lane in this process: its application on a loop of its own, without a socket."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from wallet_project import exception_handler
from wallets.api.express import routes
from wallets.api.express.application import Express
from wallets.api.express.asgi_http import Message, Receive, Scope, Send


class Lane:
    """Serves the hot routes for tests that would otherwise ask the reference binding."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lane", daemon=True)
        self._thread.start()
        self._express = Express(answer_of=exception_handler.answer_of, other=_nobody)

    def serves(self, method: str, path: str) -> bool:
        """Tell whether a call is the lane's."""
        return routes.find(method, unquote(path.partition("?")[0])) is not None

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        environ: Mapping[str, Any],
    ) -> tuple[int, dict[str, str], bytes]:
        """Send a request; return status, headers and body."""
        where, _, query = path.partition("?")
        sent = {name.lower(): value for name, value in headers.items()}
        if body and "content-length" not in sent and "transfer-encoding" not in sent:
            sent["content-length"] = str(len(body))
        scope: Scope = {
            "type": "http",
            "method": method,
            "path": unquote(where),
            "query_string": query.encode("latin-1"),
            "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in sent.items()],
            "client": (environ["REMOTE_ADDR"], 50000),
            "server": (environ["SERVER_NAME"], 80),
        }
        received: list[Message] = []
        coming = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            return coming.pop() if coming else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            received.append(message)

        self._run(scope, receive, send)
        start, rest = received
        answered = {k.decode("latin-1"): v.decode("latin-1") for k, v in start["headers"]}
        return start["status"], answered, rest["body"]

    def close(self) -> None:
        """End threads and connections."""

        async def receive() -> Message:
            return {"type": "lifespan.shutdown"}

        async def send(message: Message) -> None:
            assert message["type"] == "lifespan.shutdown.complete"

        self._run({"type": "lifespan"}, receive, send)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        asyncio.run_coroutine_threadsafe(self._express(scope, receive, send), self._loop).result(30)


async def _nobody(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError(scope["path"])
