"""Turns errors into answers of the API. The only place that knows which kind is which status."""

from __future__ import annotations

import logging
import sys
from typing import Any, Final

from django.core.exceptions import DisallowedHost, RequestDataTooBig, SuspiciousOperation
from django.db import Error as DatabaseError
from django.db import InterfaceError, InternalError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions as drf

from wallet_project import landing
from wallet_project.back_office import degraded
from wallet_project.kit import database, servers
from wallet_project.kit.bounded_log import BoundedLog
from wallet_project.kit.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    Refused,
    Unavailable,
)
from wallets import errors as business
from wallets import metrics
from wallets.api import errors as api
from wallets.api import throttling
from wallets.api.calls import Answer, Call
from wallets.api.django_http import call_of, respond
from wallets.api.problems import is_api_path, problem
from wallets.api.short.failures import failure, is_short_path

logger = logging.getLogger(__name__)

_DENIALS: Final = frozenset({401, 403, 404})
_PATH_SHOWN: Final = 200
_denials: Final = BoundedLog(logger, lines_per_second=20)
"""Whoever guesses keys or ids is seen by it, and cannot fill the disk."""

STATUS_BY_KIND: Final[dict[type[DomainError], int]] = {
    # The six kinds …
    Invalid: 400,
    NotFound: 404,
    Forbidden: 403,
    Refused: 422,
    Conflict: 409,
    Unavailable: 503,
    # … and what HTTP has a number of its own for.
    api.Unauthenticated: 401,
    api.MethodNotAllowed: 405,
    api.RequestTimeout: 408,
    api.BodyTooLarge: 413,
    api.UnsupportedMediaType: 415,
    api.RateLimited: 429,
    api.TooManyAtOnce: 429,
    business.EventsArchived: 410,
    business.VersionNotReached: 412,
    business.PreconditionFailed: 412,
}

STATUS_ON_SHORT_ROUTES: Final[dict[type[DomainError], int]] = {business.KeyReused: 409}
"""Where the short dialect has another number for the same thing."""


def status_of(kind: type[DomainError]) -> int:
    """Return the status of a class of errors; 500 for what no caller is to blame for."""
    return next((STATUS_BY_KIND[base] for base in kind.__mro__ if base in STATUS_BY_KIND), 500)


def as_domain_error(error: BaseException) -> DomainError:
    """Name any failure in the catalogue's words; what is unforeseen says nothing of its inside."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, servers.Away):
        return servers.ReadOnly(error.args[1])
    if isinstance(error, OperationalError | InterfaceError | InternalError) or (
        isinstance(error, DatabaseError) and database.is_contention(error)
    ):
        return api.DatabaseUnavailable(
            "The database did not answer in time; send the same request with the same key."
        )
    if isinstance(error, RequestDataTooBig):
        return api.BodyTooLarge("The body is too large.")
    if isinstance(error, Http404):
        return api.RouteNotFound("The API has no such path.")
    if isinstance(error, drf.MethodNotAllowed):
        return api.MethodNotAllowed(("GET", "HEAD", "OPTIONS"))  # a page of the documentation
    if isinstance(error, DisallowedHost):
        return api.BadRequest("The service does not go by the name in Host; see ALLOWED_HOSTS.")
    if isinstance(error, SuspiciousOperation | drf.APIException):
        return api.BadRequest("The request cannot be understood.")
    return api.InternalError()


def answer_of(call: Call, error: BaseException) -> Answer:
    """Answer a call that failed, whatever it failed with; log what is our fault."""
    named = as_domain_error(error)
    status = status_of(type(named))
    if is_short_path(call.path):
        status = STATUS_ON_SHORT_ROUTES.get(type(named), status)
    is_news = isinstance(error, DatabaseError) and not isinstance(error, servers.Away)
    if status == 500 or is_news:
        logger.error("api.failed", exc_info=error, extra={"path": call.path, "code": named.code})
    elif isinstance(named, Unavailable):
        logger.warning("api.unavailable", extra={"path": call.path, "code": named.code})
    elif status in _DENIALS:
        metrics.DENIED.labels(named.code).inc()
        _denials.info(
            "api.denied",
            code=named.code,
            client=call.client_name,
            address=call.peer,
            method=call.method,
            path=call.path[:_PATH_SHOWN],
        )
    hidden = api.InternalError() if status == 500 else named
    return _told(call, hidden, status)


def handle(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """Answer an exception that a view of the API raised; DRF calls this."""
    request: HttpRequest = getattr(context["request"], "_request", context["request"])
    return respond_to(request, error)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request that Django itself turned down, such as one with an unknown Host."""
    if _is_of_api(request.path):
        return _respond_to_stranger(request, exception or SuspiciousOperation())
    return landing.bad_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a visitor who may not see a page; the API's own 403 comes from its views."""
    if _is_of_api(request.path):
        return respond_to(request, api.BadRequest("It is not allowed here."))
    return landing.forbidden(request, exception)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a path that does not exist."""
    if _is_of_api(request.path):
        return _respond_to_stranger(request, exception or Http404())
    return landing.not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what failed outside any view; Django has logged it."""
    if _is_of_api(request.path):
        call = call_of(request)
        throttling.look_at_address(call)
        return respond(call, _told(call, api.InternalError(), 500))
    return degraded.answer(request, sys.exception()) or landing.server_error(request)


def _respond_to_stranger(request: HttpRequest, error: BaseException) -> HttpResponse:
    """Answer what no view has authenticated; it counts against the address."""
    call = call_of(request)
    try:
        if not call.limits:
            throttling.hold_to(throttling.charge_address(call))
    except api.RateLimited as refusal:
        return respond_to(request, refusal)
    return respond_to(request, error)


def _is_of_api(path: str) -> bool:
    return is_api_path(path) or is_short_path(path)


def _told(call: Call, error: DomainError, status: int) -> Answer:
    """Write an error in the format of its route, whatever the caller would accept."""
    return (failure if is_short_path(call.path) else problem)(call, error, status)


def respond_to(request: HttpRequest, error: BaseException) -> HttpResponse:
    """Answer a call of the API that failed before or in its view."""
    call = call_of(request)
    # A call that failed before it was counted, for a reason that may be ours, costs nothing.
    throttling.look_at_address(call)
    return respond(call, answer_of(call, error))
