"""Keys, scopes, and the open loopback."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from tests.unit.api.callers import ACME, call
from wallet_project.kit import clock
from wallets import credentials
from wallets.api import authentication
from wallets.api.errors import Unauthenticated
from wallets.credentials import Allowance, Credential, Owner, ParsedKey
from wallets.errors import ScopeMissing
from wallets.models import Scope

PREFIX, KEY = credentials.make_key()
OTHER = credentials.make_key()[1]
DEMO = Allowance("demo", 100_000, 100_000)
LOCAL = {"peer": "127.0.0.1", "bound": "127.0.0.1"}


def credential(**more: Any) -> Credential:
    facts: dict[str, Any] = {
        "prefix": PREFIX,
        "digest": credentials.digest_of(KEY.partition(".")[2]),
        "client": 7,
        "client_name": "acme",
        "allowance": Allowance("default", 100, 10),
        "scopes": frozenset({"wallets:read"}),
        "is_usable": True,
        "expires_at": None,
    }
    return Credential(**(facts | more))


def test_a_key_has_256_random_bits() -> None:
    keys = {credentials.make_key()[1] for _ in range(50)}
    assert len(keys) == 50
    for key in keys:
        prefix, _, secret = key.partition(".")
        assert (len(prefix), len(secret)) == (12, 43)
        assert credentials.parse(key) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        PREFIX,
        PREFIX + ".",
        KEY[1:],
        KEY + "A",
        KEY.upper(),
        KEY + "\n",
        KEY + "é",
        "a.b.c",
    ],
)
def test_what_cannot_be_a_key(text: str) -> None:
    assert credentials.parse(text) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer  {KEY} "},
        {"x-api-key": KEY},
        {"x-api-key": f" {KEY}"},
        {"authorization": f"Bearer {KEY}", "x-api-key": KEY},
    ],
)
def test_where_a_key_may_stand(headers: dict[str, str]) -> None:
    found = authentication.presented(call(headers=headers))
    assert isinstance(found, ParsedKey)
    assert found.prefix == PREFIX


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": KEY},
        {"authorization": f"Basic {KEY}"},
        {"authorization": f"Bearer {KEY} {KEY}"},
        {"authorization": "Bearer"},
        {"authorization": ""},
        {"x-api-key": ""},
        {"x-api-key": f"Bearer {KEY}"},
        {"authorization": f"Bearer {KEY}", "x-api-key": OTHER},
        {"authorization": "Basic eDp5", "x-api-key": KEY},
    ],
)
@pytest.mark.parametrize("is_open", [False, True])
def test_where_it_may_not(headers: dict[str, str], is_open: bool, settings: Any) -> None:
    settings.OPEN_LOOPBACK = is_open
    local = call(headers=headers | {"host": "localhost"}, **LOCAL)
    with pytest.raises(Unauthenticated):
        authentication.presented(local)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:1"])
@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("bound", ["127.0.0.1", "localhost", "::1"])
def test_the_loopback_is_open(host: str, peer: str, bound: str, settings: Any) -> None:
    settings.OPEN_LOOPBACK = True
    local = call(headers={"host": host}, peer=peer, bound=bound)
    assert authentication.presented(local) is None
    settings.OPEN_LOOPBACK = False
    with pytest.raises(Unauthenticated):
        authentication.presented(local)


@pytest.mark.parametrize(
    "facts",
    [
        {"peer": "192.0.2.9"},
        {"peer": ""},
        {"peer": "::ffff:192.0.2.9"},
        {"bound": "0.0.0.0"},
        {"bound": "192.0.2.1"},
        {"bound": "::"},
        {"bound": "wallets.example"},
        {"bound": ""},
        {"headers": {}},
        {"headers": {"host": ""}},
        {"headers": {"host": "wallets.example"}},
        {"headers": {"host": "localhost.example"}},
        {"headers": {"host": "127.0.0.1.example"}},
        {"headers": {"host": "127.0.0.2"}},
        {"headers": {"host": "[::1]:8080"}},
        {"headers": {"host": "localhost:"}},
        {"headers": {"host": "localhost", "x-forwarded-for": "127.0.0.1"}},
        {"headers": {"host": "localhost", "x-forwarded-host": "localhost"}},
        {"headers": {"host": "localhost", "x-forwarded-anything": ""}},
        {"headers": {"host": "localhost", "x-real-ip": "127.0.0.1"}},
        {"headers": {"host": "localhost", "forwarded": "for=127.0.0.1"}},
        {"headers": {"host": "localhost", "via": "1.1 proxy"}},
    ],
)
def test_nothing_else_is_the_loopback(facts: dict[str, Any], settings: Any) -> None:
    settings.OPEN_LOOPBACK = True
    with pytest.raises(Unauthenticated):
        authentication.presented(call(**({"headers": {"host": "localhost"}} | LOCAL | facts)))


def test_the_loopback_is_the_demo_clients() -> None:
    principal = authentication.loopback_principal(Owner(3, "demo", DEMO))
    assert (principal.client, principal.actor) == (3, "loopback")
    assert principal.scopes == set(Scope.values)
    with pytest.raises(Unauthenticated):
        authentication.loopback_principal(None)


def test_a_good_key_is_its_clients() -> None:
    parsed = credentials.parse(KEY)
    assert parsed is not None
    principal = authentication.admit(parsed, credential(), "192.0.2.9")
    assert (principal.client, principal.client_name) == (7, "acme")
    assert principal.allowance == Allowance("default", 100, 10)
    assert principal.actor == f"key:{PREFIX}"


@pytest.mark.parametrize(
    "known",
    [
        None,
        credential(is_usable=False),
        credential(digest=credentials.digest_of("x" * 43)),
        credential(expires_at=clock.now() - timedelta(seconds=1)),
        credential(networks=(ip_network("198.51.100.0/24"),)),
    ],
)
def test_a_bad_key_is_nobodys_and_why_is_not_said(known: Credential | None) -> None:
    parsed = credentials.parse(KEY)
    assert parsed is not None
    with pytest.raises(Unauthenticated) as caught:
        authentication.admit(parsed, known, "192.0.2.9")
    assert caught.value.detail == Unauthenticated().detail


def test_a_key_expires_while_it_is_remembered() -> None:
    parsed = credentials.parse(KEY)
    assert parsed is not None
    moment = clock.now()
    known = credential(expires_at=moment)
    assert known.admits(parsed, moment - timedelta(microseconds=1), "")
    assert not known.admits(parsed, moment, "")


@pytest.mark.parametrize(
    ("address", "is_in"),
    [
        ("192.0.2.9", True),
        ("192.0.2.255", True),
        ("192.0.3.0", False),
        ("::ffff:192.0.2.9", True),
        ("2001:db8::1", True),
        ("2001:db8::1%eth0", True),
        ("2001:db9::1", False),
        ("", False),
        ("unknown", False),
        ("192.0.2.9, 198.51.100.1", False),
    ],
)
def test_a_key_may_be_bound_to_networks(address: str, is_in: bool) -> None:
    parsed = credentials.parse(KEY)
    assert parsed is not None
    known = credential(networks=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")))
    assert known.admits(parsed, clock.now(), address) is is_in
    assert credential().admits(parsed, clock.now(), address)


def test_scopes() -> None:
    authentication.require(ACME, Scope.WALLETS_READ)
    with pytest.raises(ScopeMissing):
        authentication.require(replace(ACME, scopes=frozenset()), Scope.WALLETS_READ)
