"""The edge in front of the full service: what it lets in, and what it answers itself."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.services import Service

pytestmark = pytest.mark.full_stack


@pytest.fixture(scope="module")
def shop(full_service: Service) -> Service:
    return full_service.of_new_client("edge-shop")


@contextmanager
def connection(service: Service) -> Iterator[socket.socket]:
    parts = urlsplit(service.base)
    with socket.create_connection((parts.hostname, parts.port), timeout=15) as made:
        yield made


def answer(made: socket.socket) -> tuple[int, dict[str, str], Any]:
    """Read one answer to the end of its connection."""
    data = b""
    while chunk := made.recv(65_536):
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(status.split()[1]), headers, json.loads(body) if body else None


def post(service: Service, path: str, body: bytes, *more: str) -> tuple[int, dict[str, str], Any]:
    """Send a POST as raw bytes, with these headers besides the key, and read the answer."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {service.key}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *more,
    ]
    with connection(service) as made:
        made.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        return answer(made)


def is_problem(status: int, headers: dict[str, str], body: Any, code: str) -> None:
    assert headers["content-type"] == "application/problem+json"
    assert (body["status"], body["code"]) == (status, code)
    assert body["requestId"] == headers["x-request-id"]


def test_a_repeat_in_the_short_dialect_pays_once(shop: Service) -> None:
    """There X-Request-ID is a key: one that the edge made would make every repeat a new payment."""
    body = b'{"amount": 5, "referenceId": "rent"}'
    first = post(shop, "/v1/wallet/alice/deposit", body)
    second = post(shop, "/v1/wallet/alice/deposit", body)
    assert (first[0], first[2]["balance"]) == (201, 5)
    assert (second[0], second[2]) == (first[0], first[2])
    assert second[1]["idempotent-replayed"] == "true"


@pytest.mark.parametrize("path", ["/api/v1/wallets/alice/deposit", "/admin/login/"])
def test_a_body_that_is_too_large_is_turned_away_at_the_door(shop: Service, path: str) -> None:
    status, headers, told = post(shop, path, b" " * 70_000, "X-Request-ID: a <bad> one")
    assert status == 413
    is_problem(status, headers, told, "body_too_large")
    assert "<" not in headers["x-request-id"]


def test_a_bulk_of_a_thousand_passes(shop: Service) -> None:
    post(shop, "/api/v1/wallets", b'{"reference": "bulk"}')
    items = [
        {"type": "deposit", "walletId": "bulk", "amount": "1.00", "referenceId": f"r{number:04}"}
        | {"description": "x" * 200}
        for number in range(1_000)
    ]
    body = json.dumps({"transactions": items}).encode()
    assert len(body) > 250_000
    status, _, told = post(shop, "/api/v1/transactions/bulk", body)
    assert status == 200
    assert {result["status"] for result in told["results"]} == {201}


def test_who_sends_a_body_drop_by_drop_is_told_in_time(shop: Service) -> None:
    started = time.monotonic()
    with connection(shop) as made:
        made.sendall(
            b"POST /api/v1/wallets/alice/deposit HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
        )
        for _ in range(5):
            made.sendall(b" ")
            time.sleep(0.5)
        status, headers, told = answer(made)
    assert status == 408
    is_problem(status, headers, told, "request_timeout")
    assert time.monotonic() - started < 6


def test_a_whole_address_as_target_means_the_same(shop: Service) -> None:
    body = b'{"reference": "absolute"}'
    assert post(shop, "http://localhost/api/v1/wallets", body)[0] == 201
    assert (
        post(shop, "http://localhost/api/v1/wallets/absolute/deposit", b'{"amount": 1}')[0] == 201
    )


def test_what_is_no_http_reaches_nobody(shop: Service) -> None:
    with connection(shop) as made:
        made.sendall(b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n")
        assert made.recv(65_536).startswith(b"HTTP/1.1 400 ")


def test_metrics_are_shown_to_this_machine_and_to_no_proxy(shop: Service) -> None:
    assert shop.curl("curl http://localhost:8080/metrics").status == 200
    forged = "curl -H 'X-Forwarded-For: 127.0.0.1' http://localhost:8080/metrics"
    assert shop.curl(forged).status == 200  # its word is removed, and the peer is this machine


def test_the_caller_cannot_say_where_it_calls_from(shop: Service) -> None:
    """Behind the edge no call is from the loopback, whatever it claims: a key is needed."""
    keyless = Service(shop.base, key=None, name="keyless")
    for forged in ("X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1", "Via: x"):
        url = "http://localhost:8080/api/v1/wallets/alice/balance"
        assert keyless.curl(f"curl -H '{forged}' {url}").status == 401
