"""Which compartment of a process' threads each call belongs to, and what it is told when full.

Money takes any thread. Whatever else takes at most its share, so that slow lists leave threads to
money, to reads and to health, which are never turned away here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.views import APIView

from wallet_project import exception_handler
from wallet_project.back_office import degraded
from wallet_project.kit.bulkhead import Bulkhead
from wallet_project.kit.queue_errors import QueueFull
from wallets.api.binding import ApiView
from wallets.api.throttling import ReadClass

_Next = Callable[[HttpRequest], HttpResponseBase]


@cache
def reads() -> Bulkhead:
    """Return the compartment of all that moves no money; the narrower ones are parts of it."""
    return Bulkhead("reads", settings.WEB_READ_THREADS)


@cache
def lists() -> Bulkhead:
    """Return the compartment of lists, statements and exports."""
    return Bulkhead("lists", settings.WEB_LIST_THREADS, within=reads())


@cache
def office() -> Bulkhead:
    """Return the compartment of the back office, which lists of callers cannot fill."""
    return Bulkhead("office", settings.WEB_OFFICE_THREADS, within=reads())


def forget() -> None:
    """Begin anew with the current settings; for tests, while no call is under way."""
    for one in (reads, lists, office):
        one.cache_clear()


def compartment(request: HttpRequest, view: Any) -> Bulkhead | None:
    """Return where a call belongs; None for money, health and metrics."""
    if request.path.startswith("/admin/"):
        return office()
    kind = getattr(view, "cls", None)
    if kind is None or not issubclass(kind, APIView):
        return None
    if not issubclass(kind, ApiView):
        return lists()  # the schema and its pages
    if kind.is_urgent(request.method or ""):
        return None
    return reads() if kind.reads_as is ReadClass.ONE else lists()


class Bulkheads:
    """Gives each call a place of its compartment, or turns it away at once."""

    def __init__(self, get_response: _Next) -> None:
        """Take what answers the calls."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a call and give its place back; a file keeps it until it is sent."""
        is_handed_on = False
        try:
            response = self._get_response(request)
            is_handed_on = response.streaming and _leave_when_sent(request, response)
            return response
        finally:
            if not is_handed_on:
                _leave(request)

    def process_view(
        self, request: HttpRequest, view: Any, _args: Any, _named: Any
    ) -> HttpResponseBase | None:
        """Take a place, now that it is known which view will answer."""
        place = compartment(request, view)
        if place is None:
            return None
        if place.enter():
            request.place = place  # type: ignore[attr-defined]
            return None
        if place is office():
            return degraded.overloaded(request)
        error = QueueFull(
            f"This process has no free place for {place.name}; money and health go on."
        )
        return exception_handler.respond_to(request, error)


def _leave(request: HttpRequest) -> None:
    place: Bulkhead | None = request.__dict__.pop("place", None)
    if place is not None:
        place.leave()


def _leave_when_sent(request: HttpRequest, response: HttpResponseBase) -> bool:
    close = response.close

    def close_and_leave() -> None:
        try:
            close()
        finally:
            _leave(request)

    response.close = close_and_leave  # type: ignore[method-assign]
    return True
