"""A payment gateway over HTTP: POST /payments with an Idempotency-Key, GET /payments/{key}."""

from __future__ import annotations

import http.client
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from django.conf import settings

from wallet_project.kit import servers
from wallets.payouts.gateway import (
    Declined,
    Gateway,
    GatewayAway,
    InProgress,
    NeverSeen,
    OutcomeUnknown,
    Paid,
    Payment,
    Said,
)

CONNECT_SECONDS: Final = 2.0
ANSWER_BYTES_MAX: Final = 64 * 1024
_REASON_LENGTH: Final = 64
_REFERENCE_LENGTH: Final = 255


class HttpGateway:
    """Speaks to one gateway. A connection a call: payouts are few, and none must wait for another.

    Only what the gateway says in so many words is an outcome. Everything else, also a 4xx that is
    no refusal, is unknown, and will be asked for.
    """

    def __init__(self, url: str, *, token: str = "", timeout_seconds: float) -> None:
        """Take the gateway's address, what to authenticate with, and how long to wait."""
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port
        self._is_tls = parts.scheme == "https"
        self._base = parts.path.rstrip("/")
        self._token = token
        self._timeout_seconds = timeout_seconds
        self._breaker = servers.gateway

    def pay(self, payment: Payment) -> Said:
        """Ask it to pay; safe to repeat with the same key."""
        body = {
            "amount": payment.amount,
            "currency": payment.currency,
            "channel": payment.channel,
            "reference": payment.reference or None,
            "destination": payment.destination,
        }
        status, answer = self._ask("POST", "/payments", payment.key, msgspec.json.encode(body))
        return _read(status, answer)

    def find(self, key: UUID) -> Said | NeverSeen:
        """Ask what it knows of a key."""
        status, answer = self._ask("GET", f"/payments/{key}", key)
        if status == 404 and answer.get("status") == "unknown":
            return NeverSeen()
        return _read(status, answer)

    def _ask(
        self, method: str, path: str, key: UUID, body: bytes | None = None
    ) -> tuple[int, dict[str, Any]]:
        if not self._breaker.allows():
            raise GatewayAway
        connection = self._connect()
        headers = {"Idempotency-Key": str(key), "Connection": "close"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            connection.request(method, self._base + path, body, headers)
            answer = connection.getresponse()
            content = answer.read(ANSWER_BYTES_MAX)
            return answer.status, msgspec.json.decode(content, type=dict[str, Any])
        except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
            raise OutcomeUnknown from error
        finally:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        """Connect by itself, because only until then it is certain that nothing was sent."""
        kind = http.client.HTTPSConnection if self._is_tls else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=CONNECT_SECONDS)
        try:
            connection.connect()
        except OSError as error:
            self._breaker.failed()
            raise GatewayAway from error
        self._breaker.succeeded()
        connection.sock.settimeout(self._timeout_seconds)
        return connection


@cache
def configured() -> Gateway | None:
    """Return the gateway of the settings; None: there is none."""
    if not settings.PAYOUT_GATEWAY_URL:
        return None
    return HttpGateway(
        settings.PAYOUT_GATEWAY_URL,
        token=settings.PAYOUT_GATEWAY_TOKEN,
        timeout_seconds=float(settings.PAYOUT_GATEWAY_TIMEOUT_SECONDS),
    )


def _read(status: int, answer: dict[str, Any]) -> Said:
    said = answer.get("status")
    if said == "paid" and status in (200, 201):
        return Paid(_text(answer.get("id"), _REFERENCE_LENGTH))
    if said == "refused" and status in (200, 402, 422):
        return Declined(_text(answer.get("reason"), _REASON_LENGTH) or "refused")
    if said == "pending" and status in (200, 202):
        return InProgress()
    raise OutcomeUnknown


def _text(sent: object, length: int) -> str:
    """Read a text of the gateway's as one that can be stored and shown, whatever it has sent."""
    if not isinstance(sent, str | int):
        return ""
    return "".join(letter for letter in str(sent) if letter.isprintable())[:length]
