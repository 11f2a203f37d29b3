"""The hot routes: each reads, makes one call, answers.

Scopes, limits and methods of a route are those of its view in the reference binding.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings

from wallet_project.kit.errors import DomainError
from wallet_project.kit.group_fetch import Found
from wallets import identity, operation_queries
from wallets.api import bulk, parameters, parsing, rendering, views
from wallets.api.authentication import Principal
from wallets.api.binding import ApiView
from wallets.api.calls import Answer, Call
from wallets.api.express import asgi_http
from wallets.api.express.adapters import Adapters
from wallets.api.express.asgi_http import Receive
from wallets.api.holds import parsing as hold_parsing
from wallets.api.holds import rendering as hold_rendering
from wallets.api.holds import views as holds
from wallets.api.operations import parsing as operation_parsing
from wallets.api.operations import rendering as operation_rendering
from wallets.api.operations import views as operation_views
from wallets.balances import PastQuestion, Question
from wallets.operations import void_hold
from wallets.operations.group_commit import Announcement
from wallets.operations.open_wallet import open_wallet

BASE: Final = ("", "api", "v1")
SMALL_BYTES: Final = 8 * 1024
"""A body above this may take the decoder longer than the loop's other callers should wait."""


@dataclass(slots=True)
class Asked:
    """A call that was let in, and what its route needs to answer it."""

    call: Call
    principal: Principal
    name: str
    """The wallet or hold, as the path names it; empty where it names none."""
    item: str
    """What of the wallet's the path names, such as an operation; empty where it names none."""
    adapters: Adapters
    receive: Receive
    told: Callable[[DomainError], tuple[int, bytes]]
    ahead: asyncio.Future[Found] | None = None
    """What Redis has of the wallet, where that could be asked together with the throttle."""
    announced: Announcement | None = None
    """What tells the group commit to expect this call's command."""

    async def body(self, *, bytes_max: int = settings.BODY_BYTES_MAX) -> bytes:
        """Read the body."""
        return await asgi_http.read_body(self.receive, self.call, bytes_max=bytes_max)

    async def optional_body(self) -> bytes:
        """Read the body; empty where none was sent, whatever media type that has."""
        return await self.body() if parameters.has_body(self.call) else b""

    async def cached(self, wallet: identity.WalletIdentity) -> Found:
        """Return what Redis has of the wallet."""
        return await (self.ahead or self.adapters.cached(wallet))


@dataclass(frozen=True)
class Route:
    """A path of the lane."""

    view: type[ApiView]
    handle: Callable[[Asked], Awaitable[Answer]]
    reads_cache: bool = False
    moves: bool = False
    """Whether its calls become commands of the group commit."""

    @cached_property
    def name(self) -> str:
        """What metrics call the route: as Django calls the view."""
        return f"{self.view.__module__}.{self.view.__name__}"

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """List the methods that the path takes, as the reference binding does."""
        names: Any = self.view.http_method_names
        has_get = hasattr(self.view, "get")
        return tuple(
            name.upper()
            for name in names
            if hasattr(self.view, name) or (name == "head" and has_get)
        )


async def open_a_wallet(asked: Asked) -> Answer:
    """Open a wallet."""
    body = await asked.body()
    read = partial(parsing.open_wallet, asked.call, asked.principal, body)
    request = read() if len(body) <= SMALL_BYTES else await asked.adapters.readers.run(read)
    opened = await asked.adapters.writers.run(
        open_wallet,
        client=asked.principal.client,
        user_id=request.user_id,
        reference=request.reference,
        currency=request.currency,
        metadata=request.metadata,
        key=request.key,
    )
    return rendering.opened(asked.call, opened)


def move(verb: parsing.Verb) -> Callable[[Asked], Awaitable[Answer]]:
    """Make the handler of a movement."""

    async def handle(asked: Asked) -> Answer:
        adapters, principal = asked.adapters, asked.principal
        wallet = await adapters.wallet(principal, asked.name)
        body = await asked.body()
        read = partial(parsing.movement, verb, wallet, asked.call, principal, body)
        movement = read() if len(body) <= SMALL_BYTES else await adapters.readers.run(read)
        destination = None
        if movement.destination is not None:
            destination = await adapters.wallet(
                principal, movement.destination, field="destinationWalletId"
            )
        command = await adapters.command(movement, destination)
        outcome = await adapters.execute(command, asked.announced)
        return rendering.movement(asked.call, outcome)

    return handle


async def move_many(asked: Asked) -> Answer:
    """Move the money of a list; reading and writing so much are both work for a thread."""
    body = await asked.body(bytes_max=settings.BULK_BODY_BYTES_MAX)
    return await asked.adapters.listers.run(
        bulk.execute, asked.call, asked.principal, body, told=asked.told
    )


async def accept(asked: Asked) -> Answer:
    """Accept an operation."""
    adapters, call, principal = asked.adapters, asked.call, asked.principal
    body = await asked.body()
    read = partial(operation_parsing.operation, body)
    sent = read() if len(body) <= SMALL_BYTES else await adapters.readers.run(read)
    if sent.verb is parsing.Verb.WITHDRAW:
        await adapters.charge_withdrawal(call, principal)
    wallet = await adapters.wallet(principal, sent.wallet_name)
    movement = sent.movement(wallet, call, principal)
    destination = None
    if movement.destination is not None:
        destination = await adapters.wallet(
            principal, movement.destination, field="destinationWalletId"
        )
    accepted = await adapters.accept(await adapters.command(movement, destination))
    return operation_rendering.accepted(call, accepted)


async def tell_operation(asked: Asked) -> Answer:
    """Tell how an operation stands."""
    wallet = await asked.adapters.wallet(asked.principal, asked.name)
    view = await asked.adapters.readers.run(operation_queries.operation, wallet, asked.item)
    return operation_rendering.operation(asked.call, view)


async def place_hold(asked: Asked) -> Answer:
    """Set money aside."""
    adapters = asked.adapters
    wallet = await adapters.wallet(asked.principal, asked.name)
    body = await asked.body()
    read = partial(hold_parsing.place, wallet, asked.call, asked.principal, body)
    hold = read() if len(body) <= SMALL_BYTES else await adapters.readers.run(read)
    await adapters.learn(hold.unknown_rail)
    return hold_rendering.placed(
        asked.call, await adapters.execute(hold.command(), asked.announced)
    )


async def capture_hold(asked: Asked) -> Answer:
    """Let what was held leave the wallet."""
    adapters, principal = asked.adapters, asked.principal
    hold, wallet = await adapters.hold(principal, asked.name)
    body = await asked.optional_body()
    read = partial(hold_parsing.capture, hold, wallet, asked.call, principal, body)
    capture = read() if len(body) <= SMALL_BYTES else await adapters.readers.run(read)
    await adapters.learn(capture.unknown_rail)
    return hold_rendering.captured(
        asked.call, await adapters.execute(capture.command(), asked.announced)
    )


async def void_a_hold(asked: Asked) -> Answer:
    """Give a hold up."""
    hold, _ = await asked.adapters.hold(asked.principal, asked.name)
    key = hold_parsing.void(hold, asked.call, await asked.optional_body())
    command = void_hold.command(hold=hold, key=key, actor=asked.principal.actor)
    return hold_rendering.voided(asked.call, await asked.adapters.execute(command, asked.announced))


async def tell_balance(asked: Asked) -> Answer:
    """Tell a wallet's balance."""
    min_version = parameters.min_version(asked.call)
    wallet = await asked.adapters.wallet(asked.principal, asked.name)
    question = Question(wallet, min_version)
    view = await asked.adapters.balance(question, await asked.cached(wallet))
    return rendering.balance(asked.call, view)


async def tell_past_balance(asked: Asked) -> Answer:
    """Tell a wallet's balance at a moment."""
    moment = parameters.timestamp(asked.call)
    min_version = parameters.min_version(asked.call)
    wallet = await asked.adapters.wallet(asked.principal, asked.name)
    cached = await asked.cached(wallet)
    seen_version = cached[0] if cached is not None else 0
    view = await asked.adapters.past_balance(
        PastQuestion(wallet, moment, min_version, seen_version)
    )
    return rendering.past_balance(asked.call, view)


_OPEN: Final = Route(views.WalletsView, open_a_wallet)
_ACCEPT: Final = Route(operation_views.AcceptView, accept)
_OPERATION: Final = Route(operation_views.OperationView, tell_operation)
_BULK: Final = Route(views.BulkView, move_many)
_PLACE_HOLD: Final = Route(holds.HoldsView, place_hold, moves=True)
_OF_HOLD: Final[dict[tuple[str, ...], Route]] = {
    ("capture",): Route(holds.CaptureView, capture_hold, moves=True),
    ("void",): Route(holds.VoidView, void_a_hold, moves=True),
}
_OF_WALLET: Final[dict[tuple[str, ...], Route]] = {
    ("deposit",): Route(views.DepositView, move(parsing.Verb.DEPOSIT), moves=True),
    ("withdraw",): Route(views.WithdrawView, move(parsing.Verb.WITHDRAW), moves=True),
    ("transfer",): Route(views.TransferView, move(parsing.Verb.TRANSFER), moves=True),
    ("balance",): Route(views.BalanceView, tell_balance, reads_cache=True),
    ("balance", "historical"): Route(views.PastBalanceView, tell_past_balance, reads_cache=True),
}


def find(method: str, path: str) -> tuple[Route, str, str] | None:
    """Find the route of a path, and in it the wallet or hold and what of the wallet's it names;
    None: it is not the lane's."""
    if not path.startswith("/"):
        path = urlsplit(path).path  # some proxies send the whole address
    parts = tuple(path.split("/"))
    if parts[:3] != BASE:
        return None
    if parts[3:4] == ("wallets",) and parts[5:] == ("holds",) and parts[4]:
        return (_PLACE_HOLD, parts[4], "") if method == "POST" else None
    if parts[3:4] == ("holds",) and len(parts) > 5:
        route = _OF_HOLD.get(parts[5:])
        return (route, parts[4], "") if route is not None and parts[4] else None
    if parts[3:4] == ("wallets",) and len(parts) > 5:
        route = _OF_WALLET.get(parts[5:])
        if len(parts) == 7 and parts[5] == "operations" and parts[4] and parts[6]:
            return _OPERATION, parts[4], parts[6]
        return (route, parts[4], "") if route is not None and parts[4] else None
    if parts[3:] == ("wallets",) and method == "POST":  # the list is the other binding's
        return _OPEN, "", ""
    if parts[3:] == ("wallet",):
        return _ACCEPT, "", ""
    if parts[3:] == ("transactions", "bulk"):
        return _BULK, "", ""
    return None
