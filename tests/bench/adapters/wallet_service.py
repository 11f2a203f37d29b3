"""This service, by its API below /api/v1.

An adapter is a module with the functions below; those that a service has no call for are left out,
and so are the loads that need them. Amounts are minor units of a currency with two decimals.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from tests.bench.messages import Request

NAME: Final = "wallet service"
EXPECTED: Final = {
    "create_wallet": 201,
    "deposit": 201,
    "withdraw": 201,
    "insufficient": 422,
    "transfer": 201,
    "balance": 200,
    "balance_at": 200,
    "history": 200,
    "bulk": 200,
    "empty": 200,
}
"""The status that answers each of the calls below, and a withdrawal of more than there is."""


def create_wallet(number: int, key: str) -> Request:
    """Open a wallet."""
    return _post("/wallets", key, {"userId": f"bench-{number}"})


def read_id(body: bytes) -> str:
    """Read the new wallet's id from the answer."""
    return str(json.loads(body)["id"])


def deposit(wallet: str, amount: int, key: str) -> Request:
    """Pay in."""
    return _post(f"/wallets/{wallet}/deposit", key, {"amount": _text(amount)})


def withdraw(wallet: str, amount: int, key: str) -> Request:
    """Pay out."""
    return _post(f"/wallets/{wallet}/withdraw", key, {"amount": _text(amount)})


def transfer(source: str, destination: str, amount: int, key: str) -> Request:
    """Pay from one wallet to another."""
    body = {"destinationWalletId": destination, "amount": _text(amount)}
    return _post(f"/wallets/{source}/transfer", key, body)


def balance(wallet: str) -> Request:
    """Ask for the balance now."""
    return Request("GET", f"/api/v1/wallets/{wallet}/balance")


def balance_at(wallet: str, moment: datetime) -> Request:
    """Ask for a past balance."""
    timestamp = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return Request("GET", f"/api/v1/wallets/{wallet}/balance/historical?timestamp={timestamp}")


def history(wallet: str) -> Request:
    """Ask for the first page of the statement."""
    return Request("GET", f"/api/v1/wallets/{wallet}/transactions")


def bulk(wallets: Sequence[str], amount: int, key: str) -> Request:
    """Pay into several wallets in one call."""
    listed = [
        {"type": "deposit", "walletId": w, "amount": _text(amount), "referenceId": f"{key}-{place}"}
        for place, w in enumerate(wallets)
    ]
    return _post("/transactions/bulk", None, {"transactions": listed})


def empty() -> Request:
    """Ask for an answer without any work behind it."""
    return Request("GET", "/health/live")


def _text(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02}"


def _post(path: str, key: str | None, body: dict[str, Any]) -> Request:
    headers = {"Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key
    return Request("POST", f"/api/v1{path}", headers, json.dumps(body).encode())
