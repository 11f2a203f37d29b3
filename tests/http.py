"""A caller of the API, for tests: in this process, or of a live service at some URL."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol
from urllib.parse import urlencode, urlsplit

import django.test

from tests.lane import Lane


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as the caller sees it."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    def __str__(self) -> str:
        return f"{self.status} {self.body.decode(errors='replace')}"


class Transport(Protocol):
    """A way to send one request."""

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send it and wait for the answer."""
        ...


class InProcess:
    """Without a socket: through Django's handlers and middleware, or where a test says so, and the
    path is one of the lane's, through the express lane."""

    lane: ClassVar[Lane | None] = None

    def __init__(self, **environ: Any) -> None:
        """Take WSGI variables to be set with each request, such as REMOTE_ADDR."""
        self._environ = {"SERVER_NAME": "192.0.2.1", "REMOTE_ADDR": "192.0.2.9"} | environ
        self._client = django.test.Client(raise_request_exception=False)

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send a request."""
        sent = {"host": "localhost"} | {name.lower(): value for name, value in headers.items()}
        media_type = sent.pop("content-type", "")
        if self.lane is not None and self.lane.serves(method, path) and not self._is_wsgi_only():
            return Reply(
                *self.lane.send(
                    method, path, {"host": "localhost"} | dict(headers), body, self._environ
                )
            )
        environ = self._environ | ({"CONTENT_TYPE": media_type} if media_type else {})
        if "content-length" in sent:
            environ["CONTENT_LENGTH"] = sent.pop("content-length")
        got = self._client.generic(
            method, path, body, content_type=media_type, headers=sent, **environ
        )
        content = b"".join(got) if got.streaming else got.content
        got.close()
        return Reply(got.status_code, {k.lower(): v for k, v in got.headers.items()}, content)

    def _is_wsgi_only(self) -> bool:
        return any(name.startswith("wsgi.") for name in self._environ)


class Live:
    """Over TCP, to a service that runs somewhere."""

    def __init__(self, url: str, *, timeout_seconds: float = 15.0) -> None:
        """Take the service's address, such as `http://127.0.0.1:8080`."""
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or 80
        self._timeout_seconds = timeout_seconds

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send a request on a connection of its own, so that threads may share this."""
        connection = http.client.HTTPConnection(
            self._host, self._port, timeout=self._timeout_seconds
        )
        try:
            connection.request(method, path, body or None, dict(headers))
            got = connection.getresponse()
            content = got.read()
            return Reply(got.status, {k.lower(): v for k, v in got.getheaders()}, content)
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class Api:
    """A client of the service with its key, if it has one."""

    key: str = ""
    transport: Transport = field(default_factory=InProcess)
    base: str = "/api/v1"

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        from_root: bool = False,
    ) -> Reply:
        """Send a request below the base, or from the root; bytes are sent as they are, all else
        as JSON."""
        sent: dict[str, str] = {}
        content = b""
        if body is not None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        if self.key:
            sent["Authorization"] = f"Bearer {self.key}"
        sent |= dict(headers or {})
        where = path if from_root else self.base + path
        if query is not None:
            where += "?" + urlencode(query)
        return self.transport.send(method, where, sent, content)

    def get(self, path: str, **more: Any) -> Reply:
        """Send GET."""
        return self.call("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> Reply:
        """Send POST."""
        return self.call("POST", path, body, **more)

    def patch(self, path: str, body: Any = None, **more: Any) -> Reply:
        """Send PATCH."""
        return self.call("PATCH", path, body, **more)

    def deposit(self, wallet: object, amount: object, **more: Any) -> Reply:
        """Deposit into a wallet; headers go to the request, all else into the body."""
        return self._move(wallet, "deposit", amount, more)

    def withdraw(self, wallet: object, amount: object, **more: Any) -> Reply:
        """Withdraw from a wallet."""
        return self._move(wallet, "withdraw", amount, more)

    def transfer(self, wallet: object, to: object, amount: object, **more: Any) -> Reply:
        """Transfer from a wallet to another."""
        return self._move(wallet, "transfer", amount, {"destinationWalletId": str(to)} | more)

    def balance(self, wallet: object) -> str:
        """Tell a wallet's balance, as the API writes it."""
        return str(self.get(f"/wallets/{wallet}/balance").json["balance"])

    def _move(self, wallet: object, verb: str, amount: object, more: dict[str, Any]) -> Reply:
        headers = more.pop("headers", None)
        return self.post(f"/wallets/{wallet}/{verb}", {"amount": amount} | more, headers=headers)
