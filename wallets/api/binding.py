"""The thin layer by which DRF carries the API: its classes wrap functions that know no framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpResponse
from rest_framework.authentication import BaseAuthentication
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from wallets import identity
from wallets.api import authentication, errors, parsing, rendering
from wallets.api.authentication import Principal
from wallets.api.calls import Answer, Call
from wallets.api.django_http import call_of, read_body, respond
from wallets.identity import WalletIdentity
from wallets.models import Scope


class KeyAuthentication(BaseAuthentication):
    """Knows callers by their API keys, and the demo client on an open loopback."""

    def authenticate(self, request: Request) -> tuple[Principal, None]:
        """Tell whose call it is.

        :raises Unauthenticated: without a valid credential.
        """
        principal = authentication.authenticate(call_of(request._request))
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
            authentication.require(request.user, scope)
        return True


class AnswerAsIs(BaseContentNegotiation):
    """Lets the route decide what it answers; `Accept` is a wish nobody can be refused for."""

    def select_parser(self, request: Request, parsers: Sequence[Any]) -> None:
        """Choose none: bodies are read by the strict parser."""

    def select_renderer(
        self, request: Request, renderers: Sequence[Any], format_suffix: str | None = None
    ) -> tuple[Any, str]:
        """Choose the first."""
        return renderers[0], renderers[0].media_type


class ApiView(APIView):
    """Base of the API's routes."""

    authentication_classes = (KeyAuthentication,)
    permission_classes = (HasScope,)
    content_negotiation_class = AnswerAsIs
    scopes: ClassVar[Mapping[str, Scope]] = {}
    """The scope for each method."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, hold to scopes, and take note of the idempotency key."""
        super().initial(request, *args, **kwargs)
        if request.method == "POST":
            call = self.call
            call.key = parsing.header_key(call, self.principal)

    def http_method_not_allowed(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Refuse a method that the path does not take."""
        raise errors.MethodNotAllowed(self.allowed_methods)

    def options(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Tell which methods the path takes."""
        return self.answer(rendering.allowed_methods(self.call, self.allowed_methods))

    @property
    def call(self) -> Call:
        """The request as the API's own functions see it."""
        return call_of(self.request._request)

    @property
    def principal(self) -> Principal:
        """Whose call it is."""
        found: Principal = self.request.user
        return found

    def body(self, *, patch: bool = False) -> bytes:
        """Read the request's body."""
        return read_body(
            self.request._request, self.call, bytes_max=settings.BODY_BYTES_MAX, patch=patch
        )

    def wallet(self, name: str) -> WalletIdentity:
        """Find a wallet of the caller's by id or reference.

        :raises WalletNotFound: if the caller has none of that name.
        """
        return identity.identify(self.principal.client, name)

    def answer(self, answer: Answer) -> HttpResponse:
        """Make the response."""
        return respond(answer)
