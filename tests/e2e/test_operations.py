"""Accepted operations in the service as it is really started, embedded and full."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import uuid4

from tests.e2e.services import Service

SECONDS = 40.0


def post(service: Service, path: str, body: dict[str, Any]) -> Any:
    """Send a POST by curl; return what was answered."""
    return service.curl(
        f"curl -X POST http://localhost:8080/api/v1/{path} "
        f"-H 'Content-Type: application/json' -d '{json.dumps(body)}'"
    )


def test_alice_s_operations_are_accepted_at_once_and_made_soon(service: Service) -> None:
    alice = f"alice-{uuid4()}"
    assert post(service, "wallets", {"reference": alice}).status == 201
    where = []
    for kind, amount in (("DEPOSIT", "30.00"), ("WITHDRAW", "20.00"), ("WITHDRAW", "11.00")):
        body = {"walletId": alice, "operationType": kind, "amount": amount, "referenceId": amount}
        reply = post(service, "wallet", body)
        assert reply.status == 202, reply.text
        where.append(reply.headers["location"])

    deadline = time.monotonic() + SECONDS
    while True:
        found = [service.curl(f"curl http://localhost:8080{path}").body for path in where]
        if all(one["status"] != "PENDING" for one in found):
            break
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    assert [(one["status"], one["balance"], one["reason"]) for one in found] == [
        ("COMPLETED", "30.00", None),
        ("COMPLETED", "10.00", None),
        ("FAILED", None, "insufficient_funds"),
    ]
    balance = service.curl(f"curl http://localhost:8080/api/v1/wallets/{alice}/balance").body
    assert balance["balance"] == "10.00"
    listed = service.curl(
        f"curl 'http://localhost:8080/api/v1/wallets/{alice}/operations?status=FAILED'"
    ).body
    assert listed["items"] == [found[2]]
