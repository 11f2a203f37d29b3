"""How the API speaks HTTP, whatever the route."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.assertions import UUID, is_problem, nothing_happens
from tests.http import Api
from wallet_project.kit.database import PRIMARY
from wallets import queries
from wallets.identity import WalletIdentity

ROUTES = {
    "/wallets": "GET, POST, HEAD, OPTIONS",
    "/wallets/alice": "GET, PATCH, HEAD, OPTIONS",
    "/wallets/alice/freeze": "POST, OPTIONS",
    "/wallets/alice/unfreeze": "POST, OPTIONS",
    "/wallets/alice/close": "POST, OPTIONS",
    "/wallets/alice/deposit": "POST, OPTIONS",
    "/wallets/alice/withdraw": "POST, OPTIONS",
    "/wallets/alice/transfer": "POST, OPTIONS",
    "/wallets/alice/balance": "GET, HEAD, OPTIONS",
    "/wallets/alice/balance/historical": "GET, HEAD, OPTIONS",
    "/wallets/alice/transactions": "GET, HEAD, OPTIONS",
    "/transactions/bulk": "POST, OPTIONS",
    "/trial-balance": "GET, HEAD, OPTIONS",
    "/transactions/x": "GET, HEAD, OPTIONS",
}


@pytest.mark.parametrize(("path", "allowed"), ROUTES.items())
def test_methods(acme: Api, alice: WalletIdentity, path: str, allowed: str) -> None:
    takes = set(allowed.split(", "))
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"):
        if method not in takes:
            with nothing_happens():
                reply = is_problem(acme.call(method, path, {}), 405, "method_not_allowed")
            assert set(reply.headers["allow"].split(", ")) == takes
    options = acme.call("OPTIONS", path)
    assert (options.status, options.body) == (204, b"")
    assert set(options.headers["allow"].split(", ")) == takes


def test_head_tells_what_get_would(acme: Api, alice: WalletIdentity) -> None:
    got, head = acme.get("/wallets/alice"), acme.call("HEAD", "/wallets/alice")
    assert (head.status, head.body) == (200, b"")
    for name in ("content-type", "content-length", "etag"):
        assert head.headers[name] == got.headers[name]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1",
        "/api/v1/",
        "/api/v1/wallets/",
        "/api/v1/wallets/alice/",
        "/api/v1/wallets/alice/deposit/",
        "/api/v1//wallets",
        "/api/v1/nothing",
        "/api/v2/wallets",
        "/api/nothing",
        "/api/v1/wallets/%2e%2e/x",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_unknown_paths_are_problems_and_never_redirects(
    acme: Api, settings: Any, method: str, path: str
) -> None:
    for debug in (False, True):
        settings.DEBUG = debug
        reply = acme.call(method, path, {} if method == "POST" else None, from_root=True)
        is_problem(reply, 404, "route_not_found")


def test_people_get_pages_elsewhere(database: None) -> None:
    reply = Api().get("/nothing", from_root=True)
    assert reply.status == 404
    assert reply.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*", "nonsense", ""])
def test_the_route_decides_what_is_answered(acme: Api, accept: str) -> None:
    reply = acme.get("/wallets", headers={"Accept": accept})
    assert reply.headers["content-type"] == "application/json"
    missing = acme.get("/wallets/x", headers={"Accept": accept})
    is_problem(missing, 404, "wallet_not_found")


def test_every_answer_has_a_request_id(acme: Api) -> None:
    given = acme.get("/wallets", headers={"X-Request-ID": "abc.DEF_1-2"})
    assert given.headers["x-request-id"] == "abc.DEF_1-2"
    for bad in ("", "a b", "x" * 65, "é", "a;b"):
        reply = acme.get("/wallets/none", headers={"X-Request-ID": bad})
        is_problem(reply, 404, "wallet_not_found")
        assert UUID.fullmatch(reply.headers["x-request-id"])


def test_answers_are_not_stored_by_anyone(acme: Api, alice: WalletIdentity) -> None:
    for reply in (acme.get("/wallets"), acme.get("/wallets/alice"), acme.deposit("alice", "1")):
        assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "br"},
    ],
)
def test_other_media_types(acme: Api, alice: WalletIdentity, headers: dict[str, str]) -> None:
    with nothing_happens():
        for path, body in (
            ("/wallets", {}),
            ("/wallets/alice/deposit", {"amount": "1"}),
        ):
            is_problem(acme.post(path, body, headers=headers), 415, "unsupported_media_type")
        patch = acme.patch("/wallets/alice", {"metadata": {"a": 1}}, headers=headers)
        is_problem(patch, 415, "unsupported_media_type")


def test_large_bodies(acme: Api, alice: WalletIdentity) -> None:
    fits = json.dumps({"amount": "1.00"}).encode().ljust(64 * 1024)
    assert acme.post("/wallets/alice/deposit", fits).status == 201
    with nothing_happens():
        is_problem(acme.post("/wallets/alice/deposit", fits + b" "), 413, "body_too_large")
        is_problem(acme.post("/wallets", b" " * 10_000_000), 413, "body_too_large")
        said = acme.post(
            "/wallets/alice/deposit", {"amount": "1"}, headers={"Content-Length": "65537"}
        )
        is_problem(said, 413, "body_too_large")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b"[]", "wrong_type"),
        (b'{"amount": NaN}', "malformed_json"),
        (b'\xef\xbb\xbf{"amount": "1"}', "malformed_json"),
        (b'{"amount": "1", "description": "\xff"}', "malformed_json"),
        (b'{"amount": "1", "amount": "2"}', "duplicate_key"),
        (b'{"amount": "1", "description": "\\u0000"}', "forbidden_character"),
        (b'{"amount": "1", "description": "\\ud800"}', "forbidden_character"),
        (b'{"amount": "1", "metadata": ' + b'{"a":' * 30 + b"1" + b"}" * 31, "json_too_deep"),
        (b'{"amount": ' + b"9" * 50_000 + b"}", "amount_too_large"),
        (b"[" * 60_000, "json_too_deep"),
    ],
)
def test_bodies_that_are_not_what_they_should_be(
    acme: Api, alice: WalletIdentity, body: bytes, code: str
) -> None:
    with nothing_happens():
        for verb in ("deposit", "withdraw"):
            is_problem(acme.post(f"/wallets/alice/{verb}", body), 400, code)


def test_one_answer_lists_everything_that_is_wrong(acme: Api, alice: WalletIdentity) -> None:
    body = {"amount": "1.005", "channel": "X", "surprise": 1}
    with nothing_happens():
        reply = acme.post("/wallets/alice/transfer", body)
    is_problem(reply, 400, "invalid_request")
    assert sorted((part["field"], part["code"]) for part in reply.json["errors"]) == [
        ("amount", "too_many_decimals"),
        ("channel", "invalid_field"),
        ("destinationWalletId", "field_required"),
        ("surprise", "unknown_field"),
    ]
    assert all(part["detail"] for part in reply.json["errors"])


def test_an_unknown_host_is_a_problem_too(acme: Api) -> None:
    reply = acme.get("/wallets", headers={"Host": "evil.example"})
    is_problem(reply, 400, "bad_request")
    assert "evil" not in reply.json["detail"]


def test_text_of_any_script_comes_back_as_it_was(acme: Api, alice: WalletIdentity) -> None:
    text = "Grüße, привет, 你好, 💸 \u202e"
    reply = acme.deposit("alice", "1.00", description=text, referenceId=text)
    assert reply.json["description"] == text
    assert reply.json["referenceId"] == text
    assert reply.headers["idempotency-key"].startswith("Gr%C3%BC")


def test_a_bug_tells_nothing_of_itself(
    acme: Api, alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError("secret of ours")

    monkeypatch.setattr(queries, "wallet", fail)
    reply = is_problem(acme.get("/wallets/alice"), 500, "internal_error")
    assert "secret of ours" not in reply.body.decode()
    assert "Traceback" not in reply.body.decode()


def test_a_database_that_is_away(
    acme: Api, alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError, connections

    acme.get("/wallets/alice")

    def fail(*args: object, **kwargs: object) -> None:
        raise OperationalError(2003, "Can't connect to 10.0.0.5")

    connections.close_all()  # the replica's too, which would have answered
    with monkeypatch.context() as patched:
        patched.setattr(type(connections[PRIMARY]), "get_new_connection", fail)
        reply = is_problem(acme.get("/wallets/alice"), 503, "database_unavailable")
    assert reply.headers["retry-after"] == "1"
    assert "10.0.0.5" not in reply.body.decode()
    assert acme.get("/wallets/alice").status == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/wallets", {}),
        ("POST", "/wallets/alice/deposit", {"amount": "1.00"}),
        ("POST", "/wallets/alice/freeze", None),
        ("POST", "/transactions/bulk", {"transactions": []}),
        ("PATCH", "/wallets/alice", {"metadata": {}}),
        ("GET", "/wallets/alice", None),
        ("GET", "/wallets/alice/balance", None),
    ],
)
def test_a_misspelt_body_in_the_query_string_cannot_pass_unseen(
    acme: Api, alice: WalletIdentity, method: str, path: str, body: Any
) -> None:
    query = {"referenceId": "abc"}
    with nothing_happens():
        reply = acme.call(method, path, body, query=query)
    is_problem(reply, 400, "invalid_parameter", "referenceId")
