"""What the contract's tests say again and again."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.http import Reply
from tests.people import books_now

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z")


def tells_limits(reply: Reply) -> None:
    """Hold a reply to tell the rate limits, in both ways, and alike."""
    limit, remaining, reset = (
        int(reply.headers[f"x-ratelimit-{name}"]) for name in ("limit", "remaining", "reset")
    )
    assert 0 <= remaining <= limit
    assert 0 < reset - time.time() <= 61
    assert f";r={remaining};" in reply.headers["ratelimit"]
    assert f";q={limit};w=60" in reply.headers["ratelimit-policy"]


@contextmanager
def nothing_happens() -> Iterator[None]:
    """Fail if balances, books or outbox are not as they were before."""
    before = books_now()
    yield
    assert books_now() == before


def is_problem(reply: Reply, status: int, code: str, field: str | None = None) -> Reply:
    """Hold a reply to be a whole problem of that status and code; return it."""
    assert reply.status == status, str(reply)
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["cache-control"] == "no-store"
    tells_limits(reply)
    body = reply.json
    assert body["status"] == status
    assert body["code"] == code, str(reply)
    assert body["type"] == f"/problems/{code}"
    assert body["title"]
    assert body["detail"]
    assert body["instance"].startswith("/")
    assert body["requestId"] == reply.headers["x-request-id"]
    assert TIME.fullmatch(body["timestamp"])
    if field is not None:
        assert [part["field"] for part in body["errors"]] == [field], str(reply)
    return reply
