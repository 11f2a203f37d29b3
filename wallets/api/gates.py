"""DRF's own hooks, each a wrapper around a function that knows no framework."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from rest_framework.authentication import BaseAuthentication
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from wallets.api import authentication
from wallets.api.authentication import Principal
from wallets.api.django_http import call_of

if TYPE_CHECKING:  # DRF reads its settings, which name this module, when views are imported
    from rest_framework.views import APIView


def principal_of(request: Request) -> Principal:
    """Tell whose call a request is; DRF keeps it where Django keeps users."""
    return cast(Principal, request.user)


class KeyAuthentication(BaseAuthentication):
    """Knows callers by their API keys or tokens, and the demo client on an open loopback."""

    def authenticate(self, request: Request) -> tuple[Principal, None]:
        """Tell whose call it is.

        :raises Unauthenticated: without a valid credential.
        """
        call = call_of(request._request)
        principal = authentication.authenticate(call)
        call.client_name = principal.client_name
        request._request.client_name = principal.client_name  # type: ignore[attr-defined]
        return principal, None


class HasScope(BasePermission):
    """Holds a caller to the scope that the view names for the method."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Allow what the scopes allow.

        :raises ScopeMissing: otherwise.
        """
        scope = getattr(view, "scopes", {}).get(request.method)
        if scope is not None:
            authentication.require(principal_of(request), scope)
        return True


class AnswerAsIs(BaseContentNegotiation):
    """Lets the route decide what it answers; `Accept` is a wish nobody can be refused for."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> None:
        """Choose none: bodies are read by the strict parser."""

    def select_renderer(
        self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None
    ) -> tuple[Any, str]:
        """Choose the first."""
        first = next(iter(renderers))
        return first, first.media_type
