"""Between Django's request and response and the API's own call and answer."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from wallet_project.kit.callers import caller_of
from wallet_project.kit.request_id import choose_request_id, request_id_of
from wallets.api import errors, parameters
from wallets.api.calls import Answer, Call

_WITHOUT_BODY: Final = frozenset({204, 304})


def call_of(request: HttpRequest) -> Call:
    """Return the request as a call; the same one every time it is asked for."""
    known: Call | None = getattr(request, "api_call", None)
    if known is not None:
        return known
    headers = {name.lower(): value for name, value in request.headers.items()}
    call = Call(
        method=request.method or "",
        path=request.path,
        query=request.META.get("QUERY_STRING", ""),
        headers=headers,
        peer=caller_of(request.META.get("REMOTE_ADDR", ""), headers),
        # gunicorn and wsgiref put the listener's own address here, never the Host header.
        bound=request.META.get("SERVER_NAME", ""),
        request_id=request_id_of(request) or choose_request_id(headers.get("x-request-id")),
    )
    request.api_call = call  # type: ignore[attr-defined]
    return call


def respond(call: Call, answer: Answer) -> HttpResponse:
    """Make Django's response of an answer; HEAD tells the length of what GET would send."""
    body = b"" if call.method == "HEAD" else answer.body
    response = HttpResponse(body, status=answer.status)
    del response.headers["Content-Type"]
    for name, value in answer.headers.items():
        response.headers[name] = value
    if answer.status not in _WITHOUT_BODY:
        response.headers["Content-Length"] = str(len(answer.body))
    return response


def read_body(request: HttpRequest, call: Call, *, bytes_max: int, patch: bool = False) -> bytes:
    """Read the body, its size checked before and while it is read.

    :raises UnsupportedMediaType, BodyTooLarge, LengthRequired, BadRequest: as they say.
    """
    length = parameters.check_body_headers(call, bytes_max=bytes_max, patch=patch)
    try:
        if length is None and "transfer-encoding" in call.headers:
            return _read_chunks(request, bytes_max)
        return request.body
    except OSError:
        # Django's UnreadablePostError and gunicorn's errors of a broken chunk are both of these.
        raise errors.BadRequest("The body ended too early or is not well formed.") from None


def _read_chunks(request: HttpRequest, bytes_max: int) -> bytes:
    # Without a length Django reads nothing; the server underneath may know where the chunks end.
    if not request.META.get("wsgi.input_terminated"):
        raise errors.LengthRequired("Send the body with Content-Length.")
    stream: Any = request.META["wsgi.input"]
    body = bytearray()
    while chunk := stream.read(min(65_536, bytes_max + 1 - len(body))):
        body += chunk
        if len(body) > bytes_max:
            raise parameters.too_large(bytes_max)
    return bytes(body)
