"""Which tokens are believed, and which are nobody's."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.tokens import AUDIENCE, ISSUER, Issuer, key_set, new_private_key
from wallets.tokens import checking
from wallets.tokens import key_set as sets
from wallets.tokens.checking import Claims
from wallets.tokens.issuer_keys import IssuerKeys

ACME = Issuer()
RULES = ACME.rules()
KEYS = IssuerKeys(RULES)


def claims_of(text: str, keys: IssuerKeys = KEYS, rules: Any = RULES) -> Claims | None:
    """Do what a call with this token has done to it."""
    token = checking.read(text, rules)
    return None if token is None else checking.check(token, keys.find(token.kid), rules)


def part(value: Any) -> str:
    sent = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(sent).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_a_good_token_names_its_client_and_our_scopes(algorithm: str) -> None:
    issuer = Issuer(algorithm=algorithm, private=new_private_key(algorithm))
    rules = issuer.rules()
    found = claims_of(issuer.token(), IssuerKeys(rules), rules)
    assert found is not None
    assert (found.client_name, found.subject) == ("acme", "billing-7")
    assert found.scopes == {"wallets:read", "transactions:read"}


def test_the_client_may_stand_in_another_claim() -> None:
    rules = ACME.rules(client_claim="azp")
    keys = IssuerKeys(rules)
    found = claims_of(ACME.token(azp="globex"), keys, rules)
    assert found is not None
    assert found.client_name == "globex"
    assert claims_of(ACME.token(), keys, rules) is None


@pytest.mark.parametrize("name", ["exp", "iat", "iss", "aud", "sub", "client_id", "scope"])
def test_every_claim_is_needed(name: str) -> None:
    assert claims_of(ACME.token()) is not None
    assert claims_of(ACME.token(without=(name,))) is None
    nulled: dict[str, Any] = {name: None}
    assert claims_of(ACME.token(**nulled)) is None


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://issuer.example.com"},
        {"iss": [ISSUER]},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": ""},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 61},
        {"sub": "a b"},
        {"sub": "é"},
        {"client_id": ""},
        {"client_id": 1},
        {"client_id": ["acme"]},
        {"scope": ["wallets:read"]},
        {"scope": 1},
        {"exp": "soon"},
        {"exp": 1},
        {"iat": 4_000_000_000},
        {"iat": "then"},
        {"nbf": 4_000_000_000},
        {"exp": 1e300},
        {"seconds": 25 * 3600},
        {"exp": True},
    ],
)
def test_what_is_wrong_with_a_claim_ends_the_token(claims: dict[str, Any]) -> None:
    assert claims_of(ACME.token(**claims)) is None


def test_the_clocks_may_differ_by_the_leeway_and_not_by_more() -> None:
    moment = int(time.time())
    assert claims_of(ACME.token(exp=moment - 5)) is not None
    assert claims_of(ACME.token(iat=moment + 5)) is not None
    with pytest.raises(ImproperlyConfigured, match="at most 30"):
        ACME.rules(leeway_seconds=31)


def test_a_token_ends_while_it_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    text = ACME.token(seconds=60)
    assert claims_of(text) is not None
    later = time.time() + 71
    monkeypatch.setattr("wallets.tokens.checking.time.time", lambda: later)
    assert claims_of(text) is None


def test_a_token_does_not_choose_how_it_is_checked() -> None:
    """The classic attacks: no signature, another algorithm, the public key as a shared secret."""
    head, body, signature = ACME.token().split(".")
    claims = jwt.decode(ACME.token(), options={"verify_signature": False})
    shared = json.dumps(ACME.public_jwk()).encode()
    by_secret = f"{part({'alg': 'HS256', 'kid': 'key-1'})}.{body}"
    forged = [
        f"{head}.{body}.",
        f"{part({'alg': 'none', 'kid': 'key-1'})}.{body}.{signature}",
        f"{part({'alg': 'none', 'kid': 'key-1'})}.{body}.",
        f"{by_secret}.{part(hmac.digest(shared, by_secret.encode(), 'sha256'))}",
        Issuer().token(),  # the right kid, another's key
        Issuer(algorithm="RS256", private=new_private_key("RS256")).token(),
        ACME.token(headers={"crit": ["exp"]}),
        ACME.token(headers={"kid": "../../key-1"}),
        ACME.token(headers={"kid": ""}),
        ACME.token(headers={"kid": "key-2", "jwk": ACME.public_jwk()}),
        ACME.token(headers={"kid": "key-2", "jku": "http://127.0.0.1/keys"}),
        ACME.token(headers={"typ": "logout+jwt"}),
        f"{head}.{part(claims | {'client_id': 'globex'})}.{signature}",
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{body}.{signature}.{signature}",
        f"{part(b'[' * 2_900)}.{body}.{signature}",
        f"{part(b'{')}.{body}.{signature}",
        f"{part(b'7')}.{body}.{signature}",
        f"{part({'alg': 'EdDSA', 'kid': 7})}.{body}.{signature}",
        f"{part({'alg': ['EdDSA'], 'kid': 'key-1'})}.{body}.{signature}",
        ACME.token(padding="x" * 4_096),
        "..",
        "é.é.é",
        "",
    ]
    for text in forged:
        assert claims_of(text) is None, text[:80]


def test_only_public_keys_that_fit_are_used() -> None:
    weak = {"kty": "RSA", "kid": "weak", "n": part(b"\xff" * 64), "e": "AQAB"}
    private = ACME.public_jwk(kid="private", d=part(b"x" * 32))
    listed = [
        ACME.public_jwk(),
        private,
        weak,
        ACME.public_jwk(kid="encryption", use="enc"),
        ACME.public_jwk(kid="other", alg="ES256"),
        ACME.public_jwk(kid=7),
        {"kty": "oct", "kid": "shared", "k": part(b"x" * 32)},
        "no key",
        ACME.public_jwk(kid="broken", x="!"),
    ]
    assert set(sets.parse(json.dumps({"keys": listed}), "EdDSA")) == {"key-1"}
    with pytest.raises(ValueError, match="no public key for RS256"):
        sets.parse(json.dumps({"keys": listed}), "RS256")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": 1}', '{"keys": []}', "[" * 100_000])
def test_what_is_no_key_set(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        sets.parse(text, "EdDSA")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"audience": ""}, "JWT_AUDIENCE"),
        ({"algorithm": "HS256"}, "JWT_ALGORITHM"),
        ({"algorithm": "none"}, "JWT_ALGORITHM"),
        ({"algorithm": "EdDSA,RS256"}, "JWT_ALGORITHM"),
        ({"client_claim": ""}, "JWT_CLIENT_CLAIM"),
        ({"jwks": ""}, "JWT_JWKS_URL"),
        ({"jwks_url": "https://issuer.example.com/jwks"}, "JWT_JWKS_URL"),
        ({"jwks": "", "jwks_url": "http://issuer.example.com/jwks"}, "https"),
        ({"jwks": "", "jwks_url": "file:///keys"}, "https"),
        ({"jwks": "", "jwks_url": "https://a:b@issuer.example.com/"}, "password"),
        ({"issuer": ""}, "JWT_ISSUER"),
    ],
)
def test_settings_that_make_no_sense_stop_the_start(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=says):
        ACME.rules(**wrong)


def test_a_set_of_two_keys_serves_both() -> None:
    after = ACME.rotated("key-2")
    keys = IssuerKeys(ACME.rules(jwks=key_set(ACME, after)))
    assert claims_of(ACME.token(), keys) is not None
    assert claims_of(after.token(aud=[AUDIENCE, "another"]), keys) is not None
