"""Who may call: keys, scopes, clients, the open loopback."""

from __future__ import annotations

import io
import json
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.contract.assertions import is_problem, nothing_happens
from tests.http import Api, InProcess, Reply
from tests.people import Company
from wallet_project.kit import clock
from wallets import credentials
from wallets.identity import WalletIdentity
from wallets.models import ApiKey, Client, Scope
from wallets.operations.create_client import add_key, create_client

LOCAL = {"REMOTE_ADDR": "127.0.0.1", "SERVER_NAME": "127.0.0.1"}


def _own(reply: Reply) -> dict[str, Any]:
    """Leave out of a problem what differs from call to call."""
    return {k: v for k, v in reply.json.items() if k not in ("timestamp", "requestId", "instance")}


def test_a_key_may_come_in_either_header(client_acme: Company) -> None:
    key = client_acme.key
    for headers in (
        {"Authorization": f"Bearer {key}"},
        {"X-Api-Key": key},
        {"Authorization": f"Bearer {key}", "X-Api-Key": key},
    ):
        assert Api().get("/wallets", headers=headers).status == 200


def test_every_bad_key_gets_the_same_answer(client_acme: Company, client_globex: Company) -> None:
    prefix, _, secret = client_acme.key.partition(".")
    bad = [
        {},
        {"Authorization": "Bearer x"},
        {"Authorization": f"Bearer {prefix}.{secret[::-1]}"},
        {"Authorization": f"Bearer {'0' * 12}.{secret}"},
        {"Authorization": f"Basic {client_acme.key}"},
        {"Authorization": f"Bearer {client_acme.key}", "X-Api-Key": client_globex.key},
    ]
    replies = [
        is_problem(Api().get("/wallets", headers=headers), 401, "unauthenticated")
        for headers in bad
    ]
    assert all(_own(reply) == _own(replies[0]) for reply in replies)
    assert {reply.headers["www-authenticate"] for reply in replies} == {'Bearer realm="wallet"'}


def test_revoked_expired_and_switched_off(client_acme: Company) -> None:
    key = ApiKey.objects.get(client_id=client_acme.id)
    for change, undo in (
        ({"revoked_at": clock.now()}, {"revoked_at": None}),
        ({"expires_at": clock.now()}, {"expires_at": None}),
    ):
        ApiKey.objects.filter(pk=key.pk).update(**change)
        credentials.forget_all()
        is_problem(Api(client_acme.key).get("/wallets"), 401, "unauthenticated")
        ApiKey.objects.filter(pk=key.pk).update(**undo)
    Client.objects.filter(pk=client_acme.id).update(is_active=False)
    credentials.forget_all()
    is_problem(Api(client_acme.key).get("/wallets"), 401, "unauthenticated")


def test_a_revocation_bites_within_five_seconds(
    client_acme: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api(client_acme.key)
    assert api.get("/wallets").status == 200
    ApiKey.objects.update(revoked_at=clock.now())
    assert api.get("/wallets").status == 200  # still remembered
    later = time.monotonic() + 4.1
    monkeypatch.setattr("wallets.credentials.time", SimpleNamespace(monotonic=lambda: later))
    is_problem(api.get("/wallets"), 401, "unauthenticated")


def test_a_key_expires_on_time_even_when_it_is_remembered(client_acme: Company) -> None:
    ApiKey.objects.update(expires_at=clock.now() + timedelta(seconds=0.5))
    api = Api(client_acme.key)
    assert api.get("/wallets").status == 200
    time.sleep(0.6)
    is_problem(api.get("/wallets"), 401, "unauthenticated")


def test_keys_can_be_exchanged_without_a_gap(client_acme: Company) -> None:
    new = add_key(name="acme")
    ApiKey.objects.exclude(prefix=new.prefix).update(revoked_at=clock.now())
    assert Api(new.key).get("/wallets").status == 200
    is_problem(Api(client_acme.key).get("/wallets"), 401, "unauthenticated")


@pytest.mark.parametrize(
    ("scope", "method", "path", "body"),
    [
        (Scope.WALLETS_WRITE, "POST", "/wallets", {}),
        (Scope.WALLETS_READ, "GET", "/wallets", None),
        (Scope.WALLETS_READ, "GET", "/wallets/alice", None),
        (Scope.WALLETS_READ, "HEAD", "/wallets/alice", None),
        (Scope.WALLETS_WRITE, "PATCH", "/wallets/alice", {"metadata": {"a": 1}}),
        (Scope.TRANSACTIONS_WRITE, "POST", "/wallets/alice/deposit", {"amount": "1"}),
        (Scope.TRANSACTIONS_WRITE, "POST", "/wallets/alice/withdraw", {"amount": "1"}),
        (Scope.TRANSACTIONS_WRITE, "POST", "/wallets/alice/transfer", {"amount": "1"}),
        (Scope.WALLETS_READ, "GET", "/wallets/alice/balance", None),
        (Scope.WALLETS_READ, "GET", "/wallets/alice/balance/historical", None),
        (Scope.TRANSACTIONS_READ, "GET", "/wallets/alice/transactions", None),
        (Scope.TRANSACTIONS_READ, "GET", "/transactions/x", None),
    ],
)
def test_each_route_needs_its_scope(
    alice: WalletIdentity, scope: Scope, method: str, path: str, body: Any
) -> None:
    without = add_key(name="acme", scopes=set(Scope.values) - {scope.value})
    with nothing_happens():
        reply = Api(without.key).call(method, path, body)
    assert reply.status == 403
    if method != "HEAD":
        is_problem(reply, 403, "scope_missing")
        assert reply.json["scope"] == scope.value
    with_it = add_key(name="acme", scopes=[scope.value])
    assert Api(with_it.key).call(method, path, body).status != 403


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"metadata": {"a": 1}}),
        ("POST", "/deposit", {"amount": "1"}),
        ("POST", "/withdraw", {"amount": "1"}),
        ("POST", "/transfer", {"amount": "1", "destinationWalletId": "charlie"}),
        ("GET", "/balance", None),
        ("GET", "/balance/historical?timestamp=2024-01-01T00:00:00", None),
        ("GET", "/transactions", None),
    ],
)
def test_what_is_anothers_looks_as_if_it_did_not_exist(
    globex: Api,
    acme: Api,
    alice: WalletIdentity,
    charlie: WalletIdentity,
    method: str,
    path: str,
    body: Any,
) -> None:
    nobody = "01932f4e-7c1a-7b2e-9d54-0a6f5f1c2b3d"
    acme.get(f"/wallets/{alice.id}")  # remembered for its owner, and for nobody else
    with nothing_happens():
        others = [
            is_problem(globex.call(method, f"/wallets/{name}{path}", body), 404, "wallet_not_found")
            for name in (alice.id, "alice", nobody, "no such name", "ж", "-")
        ]
    assert all(_own(reply) == _own(others[0]) for reply in others)


def test_anothers_transaction_looks_as_if_it_did_not_exist(
    acme: Api, globex: Api, alice: WalletIdentity
) -> None:
    made = acme.deposit("alice", "1.00").json["transactionId"]
    assert acme.get(f"/transactions/{made.upper()}").status == 200
    others = [
        is_problem(globex.get(f"/transactions/{name}"), 404, "transaction_not_found")
        for name in (made, "01932f4e-7c1a-7b2e-9d54-0a6f5f1c2b3d", "nonsense")
    ]
    assert all(_own(reply) == _own(others[0]) for reply in others)


def test_lists_hold_only_what_is_the_callers(
    acme: Api, globex: Api, alice: WalletIdentity, bob: WalletIdentity, charlie: WalletIdentity
) -> None:
    acme.transfer("alice", "bob", "1.00")
    assert {item["reference"] for item in acme.get("/wallets").json["items"]} == {"alice", "bob"}
    assert [item["reference"] for item in globex.get("/wallets").json["items"]] == ["charlie"]


@pytest.fixture
def demo(database: None, settings: Any) -> Company:
    """The demo client of an open loopback."""
    settings.OPEN_LOOPBACK = True
    made = create_client(name="demo", plan="demo")
    return Company(made.client, "demo", made.key)


def test_the_open_loopback_is_the_demo_clients(demo: Company, acme: Api) -> None:
    local = Api(transport=InProcess(**LOCAL))
    made = local.post("/wallets", {"userId": "user123"}).json["id"]
    assert local.deposit(made, "1.00").status == 201
    assert Api(demo.key).get(f"/wallets/{made}").status == 200
    is_problem(acme.get(f"/wallets/{made}"), 404, "wallet_not_found")


def test_a_key_on_the_open_loopback_is_believed_or_refused(demo: Company, acme: Api) -> None:
    local = InProcess(**LOCAL)
    mine = Api(acme.key, local).post("/wallets", {}).json["id"]
    assert acme.get(f"/wallets/{mine}").status == 200
    is_problem(Api("wrong", local).get("/wallets"), 401, "unauthenticated")


@pytest.mark.parametrize(
    ("environ", "headers"),
    [
        ({"REMOTE_ADDR": "192.0.2.9"}, {}),
        ({"SERVER_NAME": "0.0.0.0"}, {}),
        ({}, {"X-Forwarded-For": "127.0.0.1"}),
        ({}, {"Forwarded": "for=127.0.0.1"}),
        ({}, {"Via": "1.1 edge"}),
        ({}, {"X-Real-IP": "127.0.0.1"}),
        # A page of another site makes the browser of somebody here send it.
        ({}, {"Origin": "http://evil.example"}),
        ({}, {"Origin": "null"}),
        ({}, {"Sec-Fetch-Site": "cross-site"}),
        ({}, {"Sec-Fetch-Site": "same-site"}),
    ],
)
def test_nothing_else_is_the_open_loopback(
    demo: Company, environ: dict[str, str], headers: dict[str, str]
) -> None:
    reply = Api(transport=InProcess(**(LOCAL | environ))).get("/wallets", headers=headers)
    is_problem(reply, 401, "unauthenticated")


def test_our_own_pages_may_use_the_open_loopback(demo: Company) -> None:
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    local = Api(transport=InProcess(**LOCAL))
    assert local.post("/wallets", {}, headers=headers).status == 201


def test_the_loopback_without_a_demo_client(database: None, settings: Any) -> None:
    settings.OPEN_LOOPBACK = True
    is_problem(Api(transport=InProcess(**LOCAL)).get("/wallets"), 401, "unauthenticated")


def _command(*words: str) -> str:
    out = io.StringIO()
    call_command("create_client", *words, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_the_command_prints_a_key_that_works(database: None) -> None:
    key = _command("initech").strip()
    assert Api(key).post("/wallets", {}).status == 201
    facts = json.loads(_command("hooli", "--scopes", "wallets:read", "--plan", "demo", "--json"))
    assert (facts["client"], facts["plan"], facts["scopes"]) == ("hooli", "demo", ["wallets:read"])
    assert Api(facts["key"]).post("/wallets", {}).status == 403
    more = _command("hooli", "--add-key").strip()
    assert Api(more).post("/wallets", {}).status == 201
    assert ApiKey.objects.filter(secret_digest=more.partition(".")[2].encode()).count() == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["Initech"], "a-z, 0-9"),
        (["x-"], "a-z, 0-9"),
        (["x" * 41], "1 to 40"),
        (["initech", "--scopes", "wallets:all"], "choose from wallets:read"),
        (["initech", "--scopes", ""], "choose from wallets:read"),
        (["initech", "--plan", "gold"], "choose one of default"),
        (["nobody", "--add-key"], "no client nobody"),
        (["acme"], "--add-key"),
    ],
)
def test_the_command_says_what_is_wrong(
    client_acme: Company, words: list[str], sentence: str
) -> None:
    before = (Client.objects.count(), ApiKey.objects.count())
    with pytest.raises(CommandError, match=sentence):
        _command(*words)
    assert (Client.objects.count(), ApiKey.objects.count()) == before
