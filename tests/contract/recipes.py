"""How to call each route of the schema so that only the names in it decide about the answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final
from uuid import UUID

from drf_spectacular.generators import SchemaGenerator

from tests.http import Api, Reply
from wallets.exports import links

Names = Mapping[str, str]
"""What a client has: a name of each kind, such as `hold_id`."""

_SPAN: Final = {"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}
_IBAN: Final = {"destination": {"iban": "DE02120300000000202051"}}
_CONTACT: Final = {
    "email": "alice@example.com",
    "phone": None,
    "pushToken": None,
    "kinds": ["MONEY_IN"],
    "lowBalance": None,
    "largeWithdrawal": None,
}
_PARAMETER: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Recipe:
    """A valid call of a route."""

    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    names: tuple[tuple[str, Callable[[str], dict[str, Any]]], ...] = ()
    """Names in the body or the query, by their kind: what is added to it for one."""
    signed: Callable[[Names], Mapping[str, str]] | None = None
    """What the query needs that is made from the names in the path."""
    opens: bool = False
    """Whether a free name of the path becomes a wallet of the caller's."""


def _body(name: str) -> Callable[[str], dict[str, Any]]:
    return lambda value: {name: value}


def _link(names: Names) -> dict[str, str]:
    """Sign a link that is good for the export in the path, so that the link refuses nobody."""
    name = names["export_id"]
    return {"token": links.token_for(UUID(name))} if is_uuid(name) else {}


_MOVES: Final = Recipe({"amount": "1"})
_SENDS: Final = Recipe({"amount": "1"}, names=(("wallet_id", _body("destinationWalletId")),))
_PLAIN: Final = Recipe()

_BY_END: Final[dict[tuple[str, str], Recipe]] = {
    ("POST", "/wallets/{wallet_id}/deposit"): _MOVES,
    ("POST", "/wallets/{wallet_id}/withdraw"): _MOVES,
    ("POST", "/wallets/{wallet_id}/transfer"): _SENDS,
    ("POST", "/wallets/{wallet_id}/holds"): _MOVES,
    ("PATCH", "/wallets/{wallet_id}"): Recipe({"metadata": {"a": 1}}),
    ("PUT", "/wallets/{wallet_id}/contact"): Recipe(_CONTACT),
    ("GET", "/wallets/{wallet_id}/balance/historical"): Recipe(
        query={"timestamp": "2026-01-01T00:00:00Z"}
    ),
    ("POST", "/api/v1/wallet"): Recipe(
        {"operationType": "DEPOSIT", "amount": "1"}, names=(("wallet_id", _body("walletId")),)
    ),
    ("POST", "/payouts"): Recipe(
        {"amount": "1", **_IBAN}, names=(("wallet_id", _body("walletId")),)
    ),
    ("POST", "/transactions/bulk"): Recipe(
        {"atomic": True},
        names=(
            (
                "wallet_id",
                lambda value: {
                    "transactions": [
                        {"type": "deposit", "walletId": value, "amount": "1", "referenceId": "r"}
                    ]
                },
            ),
        ),
    ),
    ("GET", "/wallets/{wallet_id}/statement"): Recipe(query=_SPAN),
    ("POST", "/exports"): Recipe(
        {"type": "statement", "format": "csv", **_SPAN}, names=(("wallet_id", _body("walletId")),)
    ),
    ("GET", "/exports/{export_id}/file"): Recipe(signed=_link),
    ("GET", "/events"): Recipe(names=(("wallet_id", _body("walletId")),)),
    ("POST", "/webhook-endpoints/{endpoint_id}/redeliver"): Recipe(_SPAN),
    ("PATCH", "/webhook-endpoints/{endpoint_id}"): Recipe({"enabled": False}),
    ("POST", "/v1/wallet/{name}/deposit"): Recipe({"amount": 1}, opens=True),
    ("POST", "/v1/wallet/{name}/withdraw"): Recipe({"amount": 1}),
    ("POST", "/v1/wallet/{name}/transfer"): Recipe({"amount": 1, "toWalletId": "bob"}),
}
"""What a call needs beside the names in its path. A route that is not here needs nothing."""

COLLECTIONS: Final = frozenset(
    {
        *("GET /api/v1/wallets", "GET /api/v1/payouts", "GET /api/v1/trial-balance"),
        *("GET /api/v1/webhook-endpoints", "GET /api/v1/events", "GET /api/v1/exports"),
    }
)
"""Routes that list what the caller has; nothing of another's may be in the list."""

WITHOUT_NAMES: Final = frozenset({"POST /api/v1/wallets", "POST /api/v1/webhook-endpoints"})
"""Routes that make something from what the caller says alone."""

KINDS: Final = frozenset(
    {
        *("wallet_id", "transaction_id", "hold_id", "payout_id", "operation_id"),
        *("endpoint_id", "delivery_id", "name", "statement_id", "export_id"),
    }
)
"""The names that this generator can make; a route with another kind needs it here first."""


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the schema."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def kinds(self) -> list[str]:
        """The kinds of names in the path, from left to right."""
        return _PARAMETER.findall(self.path)

    @property
    def recipe(self) -> Recipe:
        """How it is called."""
        ends = [
            recipe
            for (method, end), recipe in _BY_END.items()
            if method == self.method and self.path.endswith(end)
        ]
        return ends[0] if ends else _PLAIN

    def call(self, api: Api, names: Names, named: Names | None = None) -> Reply:
        """Call it with these names in its path, and with `named` in body and query."""
        where = _PARAMETER.sub(lambda found: names[found.group(1)], self.path)
        recipe = self.recipe
        body, query = recipe.body, dict(recipe.query)
        if recipe.signed is not None:
            query |= recipe.signed(names)
        for kind, add in recipe.names:
            more = add((named or names)[kind])
            if self.method == "GET":
                query |= more
            else:
                body = (body or {}) | more
        return api.call(self.method, where, body, query=query or None, from_root=True)


@cache
def schema_routes() -> tuple[Route, ...]:
    """List every route of the schema as the running service publishes it."""
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return tuple(
        Route(verb.upper(), path)
        for path, verbs in schema["paths"].items()
        for verb in verbs
        if verb != "parameters"
    )


def is_uuid(text: str) -> bool:
    """Tell whether a name is an id of ours rather than a caller's word."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True
