"""What an operator decides about bearer tokens, checked at the start."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

ALGORITHMS: Final = ("EdDSA", "ES256", "RS256")
"""Of each pair of keys only the public half is here; a shared secret could also sign."""
LEEWAY_SECONDS_MAX: Final = 30


@dataclass(frozen=True, slots=True)
class TokenRules:
    """Whose tokens are believed, and how they are read."""

    issuer: str
    audience: str
    algorithm: str
    """The only one: a token cannot choose."""
    client_claim: str
    """The claim that names the client."""
    leeway_seconds: int
    """How far the issuer's clock may differ from ours."""
    jwks_url: str
    """Where the issuer publishes its keys; empty: they are given."""
    jwks: str
    """The issuer's keys as a JWK set, where they are given."""
    kept_seconds: int
    """How long the last known keys are believed while the issuer cannot be reached."""


def rules(
    *,
    issuer: str,
    audience: str,
    algorithm: str,
    client_claim: str,
    leeway_seconds: int,
    jwks_url: str,
    jwks: str,
    kept_seconds: int,
) -> TokenRules | None:
    """Read the rules from the settings' words; None: no token opens anything.

    :raises ImproperlyConfigured: if they make no sense.
    """
    if not issuer:
        if audience or jwks_url or jwks:
            raise ImproperlyConfigured("JWT_ISSUER is not set, and other settings of tokens are.")
        return None
    if not audience:
        raise ImproperlyConfigured("JWT_AUDIENCE must name this service as the issuer does.")
    if algorithm not in ALGORITHMS:
        raise ImproperlyConfigured(f"JWT_ALGORITHM must be one of {', '.join(ALGORITHMS)}.")
    if not client_claim:
        raise ImproperlyConfigured("JWT_CLIENT_CLAIM must name a claim.")
    if leeway_seconds > LEEWAY_SECONDS_MAX:
        raise ImproperlyConfigured(f"JWT_LEEWAY_SECONDS must be at most {LEEWAY_SECONDS_MAX}.")
    if bool(jwks_url) == bool(jwks):
        raise ImproperlyConfigured("Set one of JWT_JWKS_URL and JWT_JWKS (or JWT_JWKS_FILE).")
    if jwks_url:
        _check_url(jwks_url)
    return TokenRules(
        issuer=issuer,
        audience=audience,
        algorithm=algorithm,
        client_claim=client_claim,
        leeway_seconds=leeway_seconds,
        jwks_url=jwks_url,
        jwks=jwks,
        kept_seconds=kept_seconds,
    )


def _check_url(url: str) -> None:
    """Hold the address to one that nobody on the way can answer in the issuer's name.

    :raises ImproperlyConfigured: otherwise.
    """
    parts = urlsplit(url)
    safe = parts.scheme == "https" or (
        parts.scheme == "http" and _is_this_machine(parts.hostname or "")
    )
    if not safe or not parts.hostname or parts.username is not None:
        raise ImproperlyConfigured(
            "JWT_JWKS_URL must be an https address without a password; http is for this machine."
        )


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
