"""Reads a JWK set (RFC 7517): of everything in it, the public keys that fit the rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

KEYS_MAX: Final = 50
KID_LENGTH_MAX: Final = 200
RSA_BITS_MIN: Final = 2048

_FORM: Final = {
    "EdDSA": {"kty": "OKP", "crv": "Ed25519"},
    "ES256": {"kty": "EC", "crv": "P-256"},
    "RS256": {"kty": "RSA"},
}
_PRIVATE: Final = ("d", "p", "q", "k")
"""Members that only a private or a shared key has."""


def parse(text: str | bytes, algorithm: str) -> Mapping[str, jwt.PyJWK]:
    """Read the usable keys of a set, by their ids; keys for other ends are stepped over.

    :raises ValueError: if it is no set, or none of its keys can be used.
    """
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError("The key set is nested too deeply.") from None
    listed = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(listed, list) or len(listed) > KEYS_MAX:
        raise ValueError(f"This is no key set with at most {KEYS_MAX} keys.")
    usable = {
        key["kid"]: made
        for key in listed
        if isinstance(key, dict) and _fits(key, algorithm)
        for made in [_made(key, algorithm)]
        if made is not None
    }
    if not usable:
        raise ValueError(f"The key set has no public key for {algorithm} with a kid.")
    return usable


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    kid = key.get("kid")
    return (
        isinstance(kid, str)
        and 0 < len(kid) <= KID_LENGTH_MAX
        and all(key.get(name) == value for name, value in _FORM[algorithm].items())
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and not any(name in key for name in _PRIVATE)
    )


def _made(key: Mapping[str, Any], algorithm: str) -> jwt.PyJWK | None:
    try:
        made = jwt.PyJWK(dict(key), algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    public = made.key
    if isinstance(public, RSAPublicKey) and public.key_size < RSA_BITS_MIN:
        return None
    return made
