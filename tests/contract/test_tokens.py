"""Bearer tokens of an issuer beside API keys, on every binding."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ledger.models import JournalEntry
from tests.contract.assertions import is_problem, nothing_happens
from tests.http import Api
from tests.people import Company
from tests.tokens import Issuer, Published, key_set, publishing
from wallets import credentials
from wallets.identity import WalletIdentity
from wallets.models import Client
from wallets.tokens import checking, issuer_keys

ISSUER = Issuer()
ALL = "wallets:read wallets:write transactions:read transactions:write"


@pytest.fixture
def published(settings: Any) -> Iterator[Published]:
    """An issuer that this service believes."""
    with publishing(key_set(ISSUER)) as served:
        settings.TOKENS = ISSUER.rules(jwks="", jwks_url=served.url)
        _forget()
        yield served
    _forget()


def _forget() -> None:
    issuer_keys.configured.cache_clear()
    checking.forget_all()


@pytest.fixture
def as_acme(published: Published, client_acme: Company) -> Callable[..., Api]:
    """Make programs of Acme's that show a token."""
    return lambda **claims: Api(ISSUER.token(**({"scope": ALL} | claims)))


def test_a_token_opens_what_its_scopes_name(
    as_acme: Callable[..., Api], alice: WalletIdentity
) -> None:
    api = as_acme(scope="openid transactions:write")
    made = api.deposit("alice", "5.00")
    assert made.status == 201, str(made)
    entry = JournalEntry.objects.get(pk=made.json["transactionId"])
    assert entry.actor == "jwt:billing-7"
    with nothing_happens():
        is_problem(api.get("/wallets/alice/balance"), 403, "scope_missing")
        is_problem(as_acme(scope="").deposit("alice", "1.00"), 403, "scope_missing")


def test_a_token_of_one_client_shows_nothing_of_another(
    as_acme: Callable[..., Api], charlie: WalletIdentity
) -> None:
    with nothing_happens():
        is_problem(as_acme().get("/wallets/charlie/balance"), 404, "wallet_not_found")
        is_problem(as_acme().deposit(charlie.id, "1.00"), 404, "wallet_not_found")


def test_every_bad_token_gets_the_answer_of_a_bad_key(
    as_acme: Callable[..., Api], alice: WalletIdentity, client_acme: Company
) -> None:
    good = ISSUER.token(scope=ALL)
    bad = [
        {"Authorization": "Bearer x.y.z"},
        {"Authorization": f"Bearer {good[:-4]}AAAA"},
        {"Authorization": f"Bearer {Issuer().token()}"},
        {"Authorization": f"Bearer {ISSUER.token(seconds=-60)}"},
        {"Authorization": f"Bearer {ISSUER.token(aud='another')}"},
        {"Authorization": f"Bearer {ISSUER.token(client_id='nobody')}"},
        {"Authorization": f"Bearer {ISSUER.token(headers={'kid': 'another'})}"},
        {"Authorization": f"Basic {good}"},
        {"X-Api-Key": good},
        {"Authorization": f"Bearer {good}", "X-Api-Key": client_acme.key},
    ]
    for path in ("/wallets/alice/balance", "/wallets"):
        replies = [
            is_problem(Api().get(path, headers=headers), 401, "unauthenticated") for headers in bad
        ]
        own = ("timestamp", "requestId", "instance")
        told = [{k: v for k, v in r.json.items() if k not in own} for r in replies]
        assert all(one == told[0] for one in told)
        assert {r.headers["www-authenticate"] for r in replies} == {'Bearer realm="wallet"'}


def test_the_tokens_of_a_suspended_client_open_nothing(
    as_acme: Callable[..., Api], alice: WalletIdentity
) -> None:
    assert as_acme().get("/wallets/alice/balance").status == 200
    Client.objects.filter(name="acme").update(is_active=False)
    credentials.forget_all()
    is_problem(as_acme().get("/wallets/alice/balance"), 401, "unauthenticated")


def test_without_an_issuer_no_token_opens_anything(
    client_acme: Company, alice: WalletIdentity
) -> None:
    is_problem(Api(ISSUER.token()).get("/wallets/alice/balance"), 401, "unauthenticated")


def test_the_issuer_may_change_its_key_and_go_away(
    as_acme: Callable[..., Api],
    alice: WalletIdentity,
    published: Published,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(issuer_keys, "AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(issuer_keys, "AGAIN_AFTER_FAILURE_SECONDS", 0.0)
    assert as_acme().get("/wallets/alice/balance").status == 200
    after = ISSUER.rotated("key-2")
    published.body = key_set(ISSUER, after).encode()
    assert Api(after.token()).get("/wallets/alice/balance").status == 200
    published.status = 500
    third = ISSUER.rotated("key-3")
    reply = is_problem(Api(third.token()).get("/wallets/alice/balance"), 503, "issuer_unavailable")
    assert int(reply.headers["retry-after"]) >= 1
    assert Api(after.token()).get("/wallets/alice/balance").status == 200


@pytest.mark.parametrize("trouble", ["status", "redirect", "size", "text", "slow"])
def test_an_issuer_in_trouble_is_not_waited_for_and_not_believed(
    trouble: str,
    as_acme: Callable[..., Api],
    alice: WalletIdentity,
    client_acme: Company,
    published: Published,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good = published.body
    if trouble == "status":
        published.status = 404
    elif trouble == "redirect":
        published.status = 302
    elif trouble == "size":
        published.body = good[:-1] + b" " * 70_000 + good[-1:]
    elif trouble == "text":
        published.body = b"<html>"
    else:
        monkeypatch.setattr(issuer_keys, "SOCKET_SECONDS", 0.2)
        published.pause_seconds = 1.0
    started = time.monotonic()
    is_problem(as_acme().get("/wallets/alice/balance"), 503, "issuer_unavailable")
    assert time.monotonic() - started < 5
    assert published.asked == 1  # a redirect is not followed
    # Whoever has a key does not notice.
    assert Api(client_acme.key).get("/wallets/alice/balance").status == 200
