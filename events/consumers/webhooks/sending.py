"""One attempt: a signed POST, within its time limits, to an address that has been looked at."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

import aiohttp
from yarl import URL

from events.consumers.webhooks import addresses, signing
from events.consumers.webhooks.addresses import ForbiddenAddress, Lookup
from events.consumers.webhooks.errors import UrlNotAllowed
from events.consumers.webhooks.rules import Rules
from wallet_project.kit import clock

RESPONSE_BYTES_MAX: Final = 1024
"""What is kept of an answer; the rest is not even read."""
GONE: Final = 410

_RESPONSE_SECONDS: Final = 1.0
_ANSWERS_LATER: Final = frozenset({429, 502, 503, 504})
_DIGITS_MAX: Final = 9
"""Of a number of seconds: what has more is longer than any delay."""


class Failure(StrEnum):
    """Why an attempt failed."""

    STATUS = "http_status"
    """The receiver answered, and not with 2xx. A redirect is not followed."""
    TIMEOUT = "timeout"
    NAME = "name_not_found"
    ADDRESS = "address_not_allowed"
    CONNECTION = "connection_failed"
    TLS = "tls_failed"
    PROTOCOL = "not_http"
    URL = "url_not_allowed"
    """The rules have become stricter since the URL was given."""
    SECRET = "secret_unreadable"  # noqa: S105 - a reason, not a secret
    """SECRET_KEY was changed, and the old one is not among SECRET_KEY_FALLBACKS."""
    INTERRUPTED = "interrupted"
    """The process that made the attempt died; nobody knows whether it arrived."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be sent, and where."""

    url: str
    event_id: UUID
    body: bytes
    secrets: Sequence[str]
    """Empty: none could be read."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended."""

    duration_ms: int
    status_code: int | None = None
    failure: Failure | None = None
    response: bytes = b""
    retry_after_seconds: int = 0

    @property
    def is_gone(self) -> bool:
        """Whether the receiver does not want to be told any more."""
        return self.status_code == GONE


class Sender:
    """Makes attempts, any number at a time. Use it as an asynchronous context."""

    def __init__(self, rules: Rules, lookup: Lookup | None = None) -> None:
        self._rules = rules
        self._resolver = addresses.Resolver(rules, lookup)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Sender:
        connector = aiohttp.TCPConnector(
            resolver=self._resolver,
            socket_factory=self._resolver.open_socket,
            # Every attempt looks its name up anew and has a connection of its own.
            use_dns_cache=False,
            force_close=True,
            limit=0,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,  # a proxy would look names up for itself
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._rules.connect_seconds),
            headers={"User-Agent": "wallet-service-webhooks", "Content-Type": "application/json"},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, message: Message) -> Outcome:
        """Make one attempt; whatever becomes of it is its outcome."""
        started = time.monotonic()
        failure: Failure
        try:
            async with asyncio.timeout(self._rules.total_seconds):
                return await self._post(message, started)
        except UrlNotAllowed:
            failure = Failure.URL
        except TimeoutError:  # before OSError, which it is too
            failure = Failure.TIMEOUT
        except (aiohttp.ClientError, OSError, ValueError) as error:
            failure = _failure_of(error)
        return Outcome(_milliseconds_since(started), failure=failure)

    async def _post(self, message: Message, started: float) -> Outcome:
        if not message.secrets:
            return Outcome(0, failure=Failure.SECRET)
        if self._session is None:
            raise RuntimeError("A sender is used as a context.")
        addresses.check_url(message.url, self._rules)
        headers = signing.headers(
            event_id=message.event_id,
            moment=clock.now(),
            body=message.body,
            secrets=message.secrets,
        )
        async with self._session.post(
            URL(message.url, encoded=True),
            data=message.body,
            headers=headers,
            allow_redirects=False,
        ) as response:
            is_success = 200 <= response.status < 300
            return Outcome(
                duration_ms=_milliseconds_since(started),
                status_code=response.status,
                failure=None if is_success else Failure.STATUS,
                response=await _beginning_of(response),
                retry_after_seconds=_retry_after(response),
            )


async def _beginning_of(response: aiohttp.ClientResponse) -> bytes:
    # The status has decided already; a body that does not come changes nothing.
    with suppress(TimeoutError, aiohttp.ClientError, OSError):
        async with asyncio.timeout(_RESPONSE_SECONDS):
            return await response.content.read(RESPONSE_BYTES_MAX)
    return b""


def _retry_after(response: aiohttp.ClientResponse) -> int:
    asked = response.headers.get("Retry-After", "")
    if not (asked.isascii() and asked.isdigit()) or response.status not in _ANSWERS_LATER:
        return 0
    # However long the number is: the schedule's longest delay bounds it anyway.
    return int(asked) if len(asked) <= _DIGITS_MAX else 10**_DIGITS_MAX


def _failure_of(error: Exception) -> Failure:
    """Name what went wrong below HTTP."""
    cause = getattr(error, "os_error", error)
    if isinstance(cause, ForbiddenAddress):
        return Failure.ADDRESS
    if isinstance(error, aiohttp.ClientSSLError) or isinstance(cause, ssl.SSLError):
        return Failure.TLS
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Failure.NAME
    if isinstance(error, aiohttp.ServerTimeoutError) or isinstance(cause, TimeoutError):
        return Failure.TIMEOUT
    if isinstance(error, aiohttp.ClientConnectionError | OSError):
        return Failure.CONNECTION
    return Failure.PROTOCOL


def _milliseconds_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
