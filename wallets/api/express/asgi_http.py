"""Between ASGI's messages and the API's own call and answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from typing import Any, Final

from csp.utils import build_policy
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http.request import split_domain_port, validate_host

from wallet_project.kit.callers import caller_of
from wallet_project.kit.deadlines import Deadlines
from wallet_project.kit.request_id import choose_request_id
from wallets.api import errors, parameters
from wallets.api.calls import Answer, Call

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY_SECONDS: Final = 3.0
"""How long a caller may take to send a whole body."""

_BODIES: Final = Deadlines(BODY_SECONDS)
_WITHOUT_BODY: Final = frozenset({204, 304})
_SECURITY: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"x-frame-options", settings.X_FRAME_OPTIONS.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", settings.SECURE_REFERRER_POLICY.encode()),
    (b"content-security-policy", (build_policy() or "").encode()),
    (b"cross-origin-opener-policy", settings.SECURE_CROSS_ORIGIN_OPENER_POLICY.encode()),
)
"""What Django's middleware adds to every answer of the other binding."""


class ClientGone(Exception):
    """The caller hung up before the body was whole: there is nobody to answer."""


def call_of(scope: Scope) -> Call:
    """Read a scope as a call."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        # A key may hold a comma, never a line break: joined by one, two keys are refused.
        between = "\n" if name == "idempotency-key" else ","
        headers[name] = f"{headers[name]}{between}{value}" if name in headers else value
    return Call(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        peer=caller_of(_host_of(scope.get("client")), headers),
        bound=_host_of(scope.get("server")),
        request_id=choose_request_id(headers.get("x-request-id")),
    )


def with_one_key(scope: Scope) -> Scope:
    """Join keys that came twice as `call_of` does, for who would join them by a comma."""
    headers = scope.get("headers", ())
    keys = [value for name, value in headers if name == b"idempotency-key"]
    if len(keys) < 2:
        return scope
    others = [pair for pair in headers if pair[0] != b"idempotency-key"]
    return {**scope, "headers": [*others, (b"idempotency-key", b"\n".join(keys))]}


def check_host(call: Call) -> None:
    """Hold a call to the names that this service goes by.

    :raises DisallowedHost: for another one.
    """
    # HTTP/1.0 needs no Host: then the address it came to is the name, as it is for Django.
    host = call.headers.get("host", call.bound)
    if not _is_known_host(host, tuple(settings.ALLOWED_HOSTS)):
        raise DisallowedHost


async def read_body(receive: Receive, call: Call, *, bytes_max: int) -> bytes:
    """Read the body, its size checked before and while it comes, within three seconds.

    :raises UnsupportedMediaType, BodyTooLarge, BadRequest, RequestTimeout: as they say.
    :raises ClientGone: if it never ends.
    """
    parameters.check_body_headers(call, bytes_max=bytes_max)
    body = bytearray()
    try:
        with _BODIES.limit():
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise ClientGone
                body += message.get("body", b"")
                if len(body) > bytes_max:
                    raise parameters.too_large(bytes_max)
                if not message.get("more_body"):
                    return bytes(body)
    except TimeoutError:
        raise errors.RequestTimeout(
            f"The body was not whole within {BODY_SECONDS:.0f} seconds; nothing was done."
        ) from None


async def respond(send: Send, call: Call, answer: Answer) -> None:
    """Send an answer; HEAD tells the length of what GET would send."""
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in answer.headers.items()
    ]
    if answer.status not in _WITHOUT_BODY:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    headers += _SECURITY
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    body = b"" if call.method == "HEAD" else answer.body
    await send({"type": "http.response.body", "body": body})


@lru_cache(maxsize=1024)
def _is_known_host(host: str, allowed: tuple[str, ...]) -> bool:
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, allowed)


def _host_of(address: Any) -> str:
    return str(address[0]) if address else ""
