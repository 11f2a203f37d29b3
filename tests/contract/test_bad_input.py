"""Whatever is sent, on whatever route: no failure of ours, and every refusal in the API's words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
from drf_spectacular.generators import SchemaGenerator

from tests.contract.assertions import nothing_happens
from tests.contract.recipes import Route, schema_routes
from tests.http import Api, Reply
from wallets.api.short.failures import is_short_path
from wallets.identity import WalletIdentity

BODIES: Final[tuple[bytes, ...]] = (
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"7",
    b"{",
    b"{} {}",
    b"[" * 50_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b'{"amount": "1", "amount": "2"}',
    b'{"a\\u0000": 1}',
    b'{"a": "\\ud800"}',
    b'{"a": "\xff"}',
    b"\xef\xbb\xbf{}",
    '{"amount": "1"}'.encode("utf-16"),
    b'{"amount": NaN}',
    b'{"amount": Infinity}',
    b'{"amount": 1e400}',
    b'{"amount": 1e999999999}',
    b'{"amount": ' + b"9" * 5_000 + b"}",
    b'{"amount": -0}',
    b'{"__proto__": {}, "amount": "1"}',
    b" " * 70_000,
)
TYPES: Final = (
    *("", "text/plain", "application/xml", "multipart/form-data; boundary=x", "application/json;"),
    *("application/json; charset=nope", "application/json; charset=utf-7", "application/json, x"),
    *("application/x-www-form-urlencoded", "application/json; charset=" + "x" * 500, "é"),
)
VALUES: Final[tuple[Any, ...]] = (
    *(None, True, [], {}, "", " ", 0, -1, 2**63, 10**400, [[]], {"a": {"b": []}}),
    *("1e400", "1_000", "\uff11\uff12", "\u0661", " 5 ", "-0", "+1", "0x10", "9" * 5_000, "1.5e1"),
    *("\u0000", "x" * 10_000, "' OR 1=1 --", "'; DROP TABLE wallets_wallet; --", "%s", "{}"),
    *("../../etc/passwd", "\r\nX-Evil: 1", "\u202e", "𝟙", "2026-02-30T25:61:61Z", "\ud83d\udcb8"),
)
NAMES: Final = (
    *("'", "%00", "%ff", "..%2f..%2f", "x" * 5_000, "%F0%9F%92%B8", "'%20OR%201=1--", "%7B%7D"),
    *("%0d%0aX-Evil:%201", ";", "NaN", "%5C", "-", ".", "0" * 36, "00000000-0000-0000-0000-0"),
)
QUERY: Final = (
    *("", "'", "%00", "%ff", "%27%20OR%201=1--", "9" * 400, "-1", "1e400", "NaN", "%F0%9F%92%B8"),
    *("0", "null", "%ED%A0%80", "x" * 3_000, "2026-02-30T00:00:00Z", "9999-12-31T23:59:59.9Z"),
    *("2026-01-01T00:00:00%2B99:99", "-1-01-01", "%D9%A1", "AAAA", "eyJhIjoxfQ"),
)
HEADERS: Final[tuple[tuple[str, str], ...]] = (
    *(("Idempotency-Key", value) for value in ("", "x" * 256, "a\tb", '""k""', "a,b", "\x7f")),
    *(("If-Match", value) for value in ("", "*", "x", '"x"', "W/1", "9" * 400, '"1", "2"')),
    *(("X-Min-Version", value) for value in ("", "-1", "x", "1e3", "9" * 400, "\uff11")),
    *(("X-Request-ID", value) for value in ("", "a b", "x" * 5_000, "<b>")),
    *(("Content-Length", value) for value in ("-1", "x", "\u00b2", "1_0", "9" * 400, "9" * 5_000)),
    *(("Content-Encoding", value) for value in ("gzip", "identity, br", "x")),
    *(("Accept", value) for value in ("", "text/html", "x" * 500, "*/*;q=x")),
    *(("X-Forwarded-For", value) for value in ("x", "::1, '", "1.2.3.4.5")),
    *(("Authorization", value) for value in ("", "Bearer", "Bearer a.b", "Bearer ..", "Basic é")),
    ("Transfer-Encoding", "gzip, chunked"),
    ("Host", "evil.example"),
    ("X-HTTP-Method-Override", "DELETE"),
)
ALLOWED: Final = frozenset({400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 414, 415, 422, 429})
WRITING: Final = ("POST", "PATCH", "PUT")

NOBODY: Final = "00000000-0000-7000-8000-000000000000"
_NAMES: Final = {
    kind: "alice" if kind in ("wallet_id", "name") else NOBODY
    for route in schema_routes()
    for kind in route.kinds
}


def holds(reply: Reply, route: Route, what: object) -> None:
    """Hold an answer to be no failure of ours, and a refusal to be told as the route tells it."""
    said = f"{route} with {str(what)[:120]!r}: {reply}"[:600]
    if reply.status < 400 or reply.json.get("code") == "no_gateway":
        return
    assert reply.status in ALLOWED, said
    if is_short_path(route.path):
        assert reply.headers["content-type"] == "application/json", said
        assert reply.json["statusCode"] == reply.status, said
    else:
        assert reply.headers["content-type"] == "application/problem+json", said
        body = reply.json
        assert (body["status"], body["requestId"]) == (
            reply.status,
            reply.headers["x-request-id"],
        ), said
        assert body["code"], said


def sent(route: Route) -> dict[str, Any]:
    """Return a body that would do, with a value for each field that the route knows."""
    body = dict(route.recipe.body or {})
    for kind, add in route.recipe.names:
        body |= add(_NAMES.get(kind, "alice"))
    return body


def parameters(route: Route) -> Iterator[str]:
    """List the parameters that the schema tells of a route."""
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    for parameter in schema["paths"][route.path][route.method.lower()].get("parameters", ()):
        if parameter["in"] == "query":
            yield parameter["name"]
    yield from ("ordering", "id__gt", "client__name__startswith", "_", "callback", "format")


def path_of(route: Route, **names: str) -> str:
    """Fill in a route's path."""
    return route.path.format(**(_NAMES | names))


def test_bodies_of_all_kinds(acme: Api, alice: WalletIdentity) -> None:
    with nothing_happens():
        for route in schema_routes():
            if route.method not in WRITING or str(route) == "POST /api/v1/wallets":
                continue  # an empty object opens a wallet, and freezes one: below
            if path_of(route).endswith(("freeze", "close")):
                continue
            for body in BODIES:
                reply = acme.call(route.method, path_of(route), body, from_root=True)
                holds(reply, route, body)
            for media_type in TYPES:
                headers = {"Content-Type": media_type.encode().decode("latin-1")}
                reply = acme.call(
                    route.method, path_of(route), b'{"amount":', headers=headers, from_root=True
                )
                holds(reply, route, media_type)


def test_values_of_all_kinds_in_every_field(acme: Api, alice: WalletIdentity) -> None:
    for route in schema_routes():
        if route.method not in WRITING:
            continue
        body = sent(route)
        for field in (*body, "amount", "referenceId", "description", "metadata", "currency", "no"):
            for value in VALUES:
                reply = acme.call(
                    route.method, path_of(route), body | {field: value}, from_root=True
                )
                holds(reply, route, {field: value})


def test_names_of_all_kinds_in_every_path(acme: Api, alice: WalletIdentity) -> None:
    with nothing_happens():
        for route in schema_routes():
            if not route.recipe.opens:
                name_badly(route, acme)
    # Some of them are good names in the short dialect, and become wallets.
    for route in schema_routes():
        if route.recipe.opens:
            name_badly(route, acme)


def name_badly(route: Route, api: Api) -> None:
    """Put every name into every place of a route's path."""
    for kind in route.kinds:
        for name in NAMES:
            body = json.dumps(sent(route)).encode() if route.method in WRITING else None
            where = path_of(route, **{kind: name})
            holds(api.call(route.method, where, body, from_root=True), route, name)


def test_values_of_all_kinds_in_every_query(acme: Api, alice: WalletIdentity) -> None:
    with nothing_happens():
        for route in schema_routes():
            if route.method != "GET":
                continue
            for parameter in parameters(route):
                for value in QUERY:
                    where = f"{path_of(route)}?{parameter}={value}"
                    holds(acme.call("GET", where, from_root=True), route, where)


def test_headers_of_all_kinds(acme: Api, alice: WalletIdentity) -> None:
    for route in schema_routes():
        body = json.dumps(sent(route)).encode() if route.method in WRITING else None
        for name, value in HEADERS:
            told = {name: value.encode().decode("latin-1")}
            reply = acme.call(route.method, path_of(route), body, headers=told, from_root=True)
            holds(reply, route, told)


@pytest.mark.parametrize("method", ["PUT", "TRACE", "PROPFIND", "get", "X" * 300])
def test_methods_that_nobody_knows(acme: Api, alice: WalletIdentity, method: str) -> None:
    for route in schema_routes():
        if route.method == method:
            continue
        holds(acme.call(method, path_of(route), from_root=True), route, method)
