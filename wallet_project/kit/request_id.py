"""Gives every request an id and a line in the access log."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponseBase

from wallet_project.kit import logs
from wallet_project.kit.ids import uuid7

HEADER: Final = "X-Request-ID"

_ACCEPTED: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


def choose_request_id(offered: str | None) -> str:
    """Return the caller's own id if it is harmless in logs and headers, else a new one."""
    if offered is not None and _ACCEPTED.fullmatch(offered):
        return offered
    return str(uuid7())


def request_id_of(request: HttpRequest) -> str:
    """Return the id that the middleware gave this request; empty if it never ran."""
    return str(getattr(request, "request_id", ""))


class RequestIdMiddleware:
    """Stands outermost, so that every answer has the id and its duration covers everything.

    Sets `request.request_id` and the context variable that the logs read. Whoever authenticates
    the call may set `request.client_name`: it goes into the access line.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        identity = choose_request_id(request.headers.get(HEADER))
        request.request_id = identity  # type: ignore[attr-defined]
        with logs.working_for(identity):
            response = self.get_response(request)
            response.headers[HEADER] = identity
            logs.log_access(
                method=request.method or "",
                path=request.path,
                status=response.status_code,
                duration_ms=(time.perf_counter() - started) * 1000,
                client=str(getattr(request, "client_name", "")),
            )
        return response
