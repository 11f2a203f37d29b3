"""The front page, and the pages for people when something went wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from wallet_project.kit.request_id import request_id_of

ErrorPage = Callable[[HttpRequest], HttpResponse]

# Pages have no script and load nothing from elsewhere; the style stands in the page itself.
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
}


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Show what this is and where to go from here."""
    return HttpResponse(
        render_to_string(
            "landing.html", {"open_loopback": settings.OPEN_LOOPBACK}, request=request
        ),
        headers=_HEADERS,
    )


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """Say that the request could not be understood."""
    return _error_page(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """Say that the page is not for this visitor."""
    return _error_page(request, 403)


def refused_form(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001
    """Say that a form came without our token, from another page or after a long time."""
    return _error_page(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """Say that there is no such page."""
    return _error_page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Say that we failed, with the id under which our logs tell more."""
    return _error_page(request, 500)


def _error_page(request: HttpRequest, status: int) -> HttpResponse:
    # Without the request: context processors could ask a database that may be what failed.
    page = render_to_string(f"{status}.html", {"request_id": request_id_of(request)})
    return HttpResponse(page, status=status, headers=_HEADERS)
