"""Calls and callers for tests that need no server."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from wallets.api.authentication import Principal
from wallets.api.calls import Call
from wallets.credentials import Allowance
from wallets.identity import WalletIdentity
from wallets.models import Scope

ACME = Principal(
    client=7,
    client_name="acme",
    allowance=Allowance("default", 100, 10),
    scopes=frozenset(Scope.values),
    actor="key:abcdefghijkl",
)


def call(method: str = "GET", path: str = "/api/v1/wallets", **more: Any) -> Call:
    """Make a call; `headers` and the rest replace what is usual."""
    facts: dict[str, Any] = {
        "query": "",
        "headers": {},
        "peer": "192.0.2.9",
        "bound": "192.0.2.1",
        "request_id": "request-1",
    }
    return Call(method=method, path=path, **(facts | more))


def wallet(currency: str = "USD") -> WalletIdentity:
    """Make Acme's wallet number one."""
    return WalletIdentity(UUID(int=1), ACME.client, ACME.client_name, currency)
