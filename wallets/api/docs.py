"""Pages for people: the API's documentation, and what each problem means."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import (
    SpectacularAPIView,
    SpectacularRedocView,
    SpectacularSwaggerSplitView,
)
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from wallet_project.kit.errors import DomainError
from wallets.api import problems

# Scripts and styles come from this server only. Both tools write styles into the page and show
# small images as data; Redoc searches in a worker that it makes from a blob.
_TOOLS_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)

StatusOf = Callable[[type[DomainError]], int]


class _AnswerAnyway(DefaultContentNegotiation):
    """Follows `?format=` and `Accept`, and falls back to the first format."""

    def select_renderer(
        self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None
    ) -> tuple[Any, str]:
        """Choose a renderer."""
        try:
            chosen: tuple[Any, str] = super().select_renderer(request, renderers, format_suffix)
            return chosen
        except NotAcceptable:
            first = next(iter(renderers))
            return first, first.media_type


class _ForPeople:
    """A page that runs a documentation tool from our own static files."""

    def finalize_response(self, *args: Any, **kwargs: Any) -> Any:
        """Add the page's content policy."""
        response = super().finalize_response(*args, **kwargs)  # type: ignore[misc]
        response.headers["Content-Security-Policy"] = _TOOLS_POLICY
        return response


class SchemaView(APIView):
    """The OpenAPI document, made once in a process."""

    authentication_classes = ()
    permission_classes = ()
    renderer_classes = SpectacularAPIView.renderer_classes
    content_negotiation_class = _AnswerAnyway

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """Answer with YAML, or with JSON for `?format=json`."""
        return Response(_schema())


class SwaggerView(_ForPeople, SpectacularSwaggerSplitView):
    """Swagger UI."""

    template_name = "docs/swagger.html"


class RedocView(_ForPeople, SpectacularRedocView):
    """Redoc."""

    template_name = "docs/redoc.html"


@require_safe
def problem_page(request: HttpRequest, code: str, status_of: StatusOf) -> HttpResponse:
    """Explain one problem.

    :raises Http404: if no error has the code.
    """
    found = problems.catalogue().get(code)
    if found is None:
        raise Http404
    facts = {"problem": found, "status": status_of(found.error)}
    return _page(request, "problems/problem.html", facts)


@require_safe
def problem_index(request: HttpRequest, status_of: StatusOf) -> HttpResponse:
    """List every problem."""
    rows = [(found, status_of(found.error)) for found in problems.catalogue().values()]
    return _page(request, "problems/index.html", {"problems": rows})


def _page(request: HttpRequest, template: str, facts: dict[str, Any]) -> HttpResponse:
    page = render(request, template, facts)
    page.headers["Content-Security-Policy"] = _PAGE_POLICY
    return page


@cache
def _schema() -> dict[str, Any]:
    generator: Any = SchemaGenerator  # the library has no types here
    return cast("dict[str, Any]", generator().get_schema(request=None, public=True))
