"""A call and its answer as plain facts: what every binding of the API hands over and takes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from wallets.idempotency import Key

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
MERGE_PATCH: Final = "application/merge-patch+json"


@dataclass(slots=True)
class Call:
    """One HTTP request without its body."""

    method: str
    path: str
    query: str
    """The query string as it came, without the question mark."""
    headers: Mapping[str, str]
    """Names in lower case."""
    peer: str
    """The address at the other end of the connection."""
    bound: str
    """The address this server listens on."""
    request_id: str
    key: Key | None = None
    """The idempotency key, from the moment it is known: every later answer tells it."""
    client_name: str = ""
    """Whose call it is, from the moment that is known."""
    replayed: bool = False
    """Whether the answer is that of an earlier call with the same key."""
    limits: dict[str, str] = field(default_factory=dict)
    """What headers tell of the rate limits, from the moment the call is counted."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def standard_headers(call: Call, content_type: str) -> dict[str, str]:
    """Make the headers that every answer of the API carries."""
    headers = {
        "Content-Type": content_type,
        "Cache-Control": "no-store",
        "X-Request-ID": call.request_id,
    }
    if call.key is not None:
        headers["Idempotency-Key"] = as_header(call.key.shown)
    if call.replayed:
        headers["Idempotent-Replayed"] = "true"
    return headers | call.limits


def as_header(text: str) -> str:
    """Write a text so that it can travel in a header: percent-encoded UTF-8 where it is not
    printable ASCII, for a `referenceId` may be of any script."""
    return text if text.isascii() and text.isprintable() else quote(text, safe=" ")
