"""The base of DRF's views: a thin layer over functions that know no framework."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, NoReturn

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from wallet_project.kit.errors import DomainError
from wallets import identity
from wallets.api import authentication, errors, parameters, parsing, rendering, throttling
from wallets.api.authentication import Principal
from wallets.api.calls import Answer, Call
from wallets.api.django_http import call_of, read_body, respond
from wallets.api.gates import AnswerAsIs, HasScope, KeyAuthentication, principal_of
from wallets.api.throttling import ReadClass, RouteClass
from wallets.idempotency import Key
from wallets.identity import WalletIdentity
from wallets.models import Scope

READS: Final = frozenset({"GET", "HEAD"})
"""The methods that only look."""
_URGENT: Final = frozenset(
    {
        *(Scope.WALLETS_WRITE, Scope.TRANSACTIONS_WRITE),
        *(Scope.HOLDS_WRITE, Scope.PAYOUTS_WRITE),
    }
)


class ApiView(APIView):
    """Base of the API's routes."""

    authentication_classes = (KeyAuthentication,)
    permission_classes = (HasScope,)
    content_negotiation_class = AnswerAsIs
    scopes: ClassVar[Mapping[str, Scope]] = {}
    """The scope for each method."""
    route_class: ClassVar[RouteClass] = RouteClass.REQUEST
    """What a POST to the route counts as; other methods are requests only."""
    moves_money: ClassVar[bool] = False
    """Whether a POST to the route moves money or sets it aside."""
    reads_as: ClassVar[ReadClass] = ReadClass.ONE
    """How much work it is to read the route."""
    weights: ClassVar[Mapping[str, int]] = {}
    """How many requests a call takes, for methods whose work is more than one look's."""
    takes_query: ClassVar[frozenset[str]] = frozenset()
    """The methods that have parameters in the query string."""

    counted: int | None = None
    """Whose call is under way, once it is counted."""

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer a call, which from then on is under way no longer."""
        try:
            return super().dispatch(request, *args, **kwargs)
        finally:
            if self.counted is not None:
                throttling.web_calls.leave(self.counted)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let a call in, or not: who, how much, which scope, and nothing that is not understood."""
        super().initial(request, *args, **kwargs)
        if request.method not in self.takes_query:
            parameters.check_none(self.call)
        if self.moves_money and request.method == "POST":
            authentication.require_running(self.principal)

    def perform_authentication(self, request: Request) -> None:
        """Authenticate and count the call; take note of the idempotency key in between, so that
        refusals tell it too."""
        try:
            super().perform_authentication(request)
        except errors.Unauthenticated:
            throttling.hold_to(throttling.charge_address(self.call))
            raise
        is_post = request.method == "POST"
        counts_as = self.route_class if is_post else RouteClass.REQUEST
        weight = throttling.weight_at_door(self.principal, self.weight_of(request.method or ""))
        verdict = throttling.charge(self.call, self.principal, counts_as, weight)
        if is_post:
            self.call.key = self.sent_key()
        throttling.hold_to(verdict)
        throttling.enter(throttling.web_calls, self.principal, settings.WEB_CLIENT_THREADS)
        self.counted = self.principal.client

    @classmethod
    def is_urgent(cls, method: str) -> bool:
        """Tell whether a call concerns wallets or their money, and goes before all others."""
        return cls.scopes.get(method) in _URGENT

    @classmethod
    def weight_of(cls, method: str) -> int:
        """Tell how many requests a call takes."""
        return cls.weights.get("GET" if method == "HEAD" else method, 1)

    def sent_key(self) -> Key | None:
        """Read the idempotency key that the headers of the call hold.

        :raises InvalidIdempotencyKey: if it cannot be one.
        """
        return parsing.header_key(self.call, self.principal)

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse a method that the path does not take."""
        raise errors.MethodNotAllowed(self.allowed_methods)

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Tell which methods the path takes."""
        return self.answer(rendering.allowed_methods(self.call, self.allowed_methods))

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Add nothing of DRF's own: an answer is the same through every binding."""
        return {}

    @property
    def call(self) -> Call:
        """The request as the API's own functions see it."""
        return call_of(self.request._request)

    @property
    def principal(self) -> Principal:
        """Whose call it is."""
        return principal_of(self.request)

    def body(self, *, patch: bool = False, bytes_max: int = settings.BODY_BYTES_MAX) -> bytes:
        """Read the request's body."""
        return read_body(self.request._request, self.call, bytes_max=bytes_max, patch=patch)

    def optional_body(self) -> bytes:
        """Read the request's body; empty where none was sent, whatever media type that has."""
        return self.body() if parameters.has_body(self.call) else b""

    def wallet(self, name: str) -> WalletIdentity:
        """Find a wallet of the caller's by id or reference.

        :raises WalletNotFound: if the caller has none of that name.
        """
        return identity.identify(self.principal.client, name)

    def told(self, error: DomainError) -> tuple[int, bytes]:
        """Tell an error that is one result among others: the status and body it would have had
        as an answer of its own."""
        answer = self.get_exception_handler()(error, self.get_exception_handler_context())
        return answer.status_code, answer.content

    def answer(self, answer: Answer) -> HttpResponse:
        """Make the response."""
        return respond(self.call, answer)
