"""A caller of the short dialect, and what its errors look like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tests.contract.assertions import TIME
from tests.http import Api, Reply


@dataclass(frozen=True)
class Short:
    """A caller of the dialect."""

    api: Api

    def send(self, name: str, verb: str, body: Any, key: str | None = None, **more: Any) -> Reply:
        headers = dict(more.get("headers", {}))
        if key is not None:
            headers["X-Request-ID"] = key
        return self.api.post(f"/{name}/{verb}", body, headers=headers)

    def deposit(self, name: str, amount: Any, key: str | None = None, **more: Any) -> Reply:
        return self.send(name, "deposit", {"amount": amount} | more, key)

    def withdraw(self, name: str, amount: Any, key: str | None = None, **more: Any) -> Reply:
        return self.send(name, "withdraw", {"amount": amount} | more, key)

    def transfer(self, name: str, to: str, amount: Any, key: str | None = None) -> Reply:
        return self.send(name, "transfer", {"toWalletId": to, "amount": amount}, key)

    def get(self, path: str, **more: Any) -> Reply:
        return self.api.get(f"/{path}", **more)

    def balance(self, name: str) -> str:
        """The balance as its digits were sent."""
        found = re.fullmatch(rb'\{"walletId":"[^"]*","balance":([0-9.]+)\}', self.get(name).body)
        assert found
        return found.group(1).decode()


def fails(reply: Reply, status: int, error: str, *, about: str = "") -> Reply:
    """Hold a reply to be a whole error of the dialect; return it."""
    assert reply.status == status, str(reply)
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "no-store"
    body = reply.json
    assert list(body) == ["statusCode", "error", "message", "timestamp"]
    assert (body["statusCode"], body["error"]) == (status, error), str(reply)
    assert about in body["message"]
    assert body["message"]
    assert TIME.fullmatch(body["timestamp"])
    assert reply.headers["x-request-id"]
    return reply
