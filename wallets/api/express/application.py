"""The lane as an ASGI application: lets calls in, has them answered, writes the log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django_prometheus.middleware import Metrics

from wallet_project.kit import logs
from wallet_project.kit.access_log import AccessLog
from wallet_project.kit.deadlines import Deadlines
from wallet_project.kit.errors import DomainError
from wallet_project.kit.in_flight import InFlight
from wallets.api import authentication, errors, parameters, parsing, rendering, throttling
from wallets.api.authentication import Principal
from wallets.api.calls import Answer, Call
from wallets.api.express import asgi_http, routes
from wallets.api.express.adapters import Adapters
from wallets.api.express.asgi_http import Application, ClientGone, Receive, Scope, Send
from wallets.api.express.routes import Asked, Route
from wallets.api.throttling import RouteClass
from wallets.operations import group_commit

CALLER_LEFT: Final = 499
"""What log and metrics say of a call whose caller did not wait; as other servers call it."""
_PATIENCE_SECONDS: Final[float] = settings.REQUEST_DEADLINE_SECONDS - 0.5

AnswerOf = Callable[[Call, BaseException], Answer]


class Express:
    """Serves the hot routes itself and leaves all else to another application."""

    def __init__(self, *, answer_of: AnswerOf, other: Application) -> None:
        """Take what turns an error into an answer, and who serves the other paths."""
        self._answer_of = answer_of
        self._other = other
        self._adapters: Adapters | None = None
        self._log = AccessLog()
        self._calls = Deadlines(_PATIENCE_SECONDS)
        self._under_way = InFlight()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        found = routes.find(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await self._other(asgi_http.with_one_key(scope), receive, send)
            return
        route, name, item = found
        started = time.perf_counter()
        call = asgi_http.call_of(scope)
        token = logs.request_id.set(call.request_id)
        status = CALLER_LEFT
        try:
            answer = await self._answer(route, name, item, call, receive)
            status = answer.status
            await asgi_http.respond(send, call, answer)
        except ClientGone:
            return
        finally:
            logs.request_id.reset(token)
            seconds = time.perf_counter() - started
            self._log.note(call, status, seconds)
            _count(route.name, call.method, status, seconds)

    async def _answer(
        self, route: Route, name: str, item: str, call: Call, receive: Receive
    ) -> Answer:
        adapters = self._ready()
        try:
            with self._calls.limit():
                return await self._serve(route, name, item, call, receive, adapters)
        except ClientGone:
            raise
        except TimeoutError:
            return self._answer_of(call, group_commit.taking_too_long())
        except Exception as error:  # noqa: BLE001 - as Django's handler: a caller gets an answer
            if not call.limits:
                # A call that failed before it was counted, for a reason that may be ours, is free.
                await adapters.charge_address(call, weight=0)
            return self._answer_of(call, error)

    async def _serve(
        self,
        route: Route,
        name: str,
        item: str,
        call: Call,
        receive: Receive,
        adapters: Adapters,
    ) -> Answer:
        """Do what the reference binding does, in its order: who, how much, which key, what."""
        principal = await _let_in(call, adapters)
        asked = Asked(call, principal, name, item, adapters, receive, self._told(call))
        if not route.moves:
            return await self._handle(route, asked)
        # Not before it is known whose call it is: lists wait for who is announced.
        asked.announced = group_commit.Announcement()
        try:
            return await self._handle(route, asked)
        finally:
            asked.announced.end()

    async def _handle(self, route: Route, asked: Asked) -> Answer:
        call, principal, adapters = asked.call, asked.principal, asked.adapters
        counts_as = route.view.route_class if call.method == "POST" else RouteClass.REQUEST
        taken = adapters.take(principal, counts_as, route.view.weight_of(call.method))
        if route.reads_cache:
            asked.ahead = adapters.ahead(principal, asked.name)
        verdict = await taken
        call.limits = verdict.headers()
        if call.method == "POST":
            call.key = parsing.header_key(call, principal)
        throttling.hold_to(verdict)
        throttling.enter(self._under_way, principal, settings.CLIENT_CALLS_MAX)
        try:
            return await self._handle_counted(route, asked)
        finally:
            self._under_way.leave(principal.client)

    async def _handle_counted(self, route: Route, asked: Asked) -> Answer:
        call, principal = asked.call, asked.principal
        scope = route.view.scopes.get(call.method)
        if scope is not None:
            authentication.require(principal, scope)
        if call.method not in route.view.takes_query:
            parameters.check_none(call)
        if call.method == "OPTIONS":
            return rendering.allowed_methods(call, route.methods)
        if call.method not in route.methods:
            raise errors.MethodNotAllowed(route.methods)
        if route.view.moves_money and call.method == "POST":
            authentication.require_running(principal)
        return await route.handle(asked)

    def _told(self, call: Call) -> Callable[[DomainError], tuple[int, bytes]]:
        """Make what tells an error that is one result among others."""

        def told(error: DomainError) -> tuple[int, bytes]:
            answer = self._answer_of(call, error)
            return answer.status, answer.body

        return told

    def _ready(self) -> Adapters:
        if self._adapters is None:
            self._adapters = Adapters()
        return self._adapters

    async def _live(self, receive: Receive, send: Send) -> None:
        """Follow the server from its start to its end."""
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._ready()
            else:
                # The server has answered what was under way; what is queued is finished as well.
                await asyncio.to_thread(group_commit.stop)
                await self._ready().close()
                self._log.flush()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return


async def _let_in(call: Call, adapters: Adapters) -> Principal:
    """Tell whose call it is; whoever cannot be told counts against the address."""
    try:
        asgi_http.check_host(call)
        principal = await adapters.authenticate(call)
    except (DisallowedHost, errors.Unauthenticated):
        throttling.hold_to(await adapters.charge_address(call))
        raise
    call.client_name = principal.client_name
    return principal


def _count(view: str, method: str, status: int, seconds: float) -> None:
    answered, latency = _series(view, method, status)
    answered.inc()
    latency.observe(seconds)


@lru_cache(maxsize=1024)
def _series(view: str, method: str, status: int) -> tuple[Any, Any]:
    # The same two that Django's middleware keeps, so that a page sums both bindings up.
    known = Metrics.get_instance()
    method = method if method in _METHODS else "<invalid method>"
    return (
        known.responses_by_status_view_method.labels(status=str(status), view=view, method=method),
        known.requests_latency_by_view_method.labels(view=view, method=method),
    )


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
