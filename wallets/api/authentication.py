"""Who calls: an API key, an issuer's bearer token, or nobody on an open loopback."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from jwt import PyJWK

from wallet_project.kit import clock
from wallets import credentials, key_use
from wallets.api.calls import Call
from wallets.api.errors import Unauthenticated
from wallets.credentials import Allowance, Credential, Owner, ParsedKey
from wallets.errors import ScopeMissing
from wallets.models import Scope
from wallets.safeguards import switch
from wallets.tokens import checking, issuer_keys
from wallets.tokens.checking import Claims, SignedToken
from wallets.tokens.issuer_keys import IssuerKeys

_BEARER = re.compile(r"bearer +([^ ]+) *", re.ASCII | re.IGNORECASE)
_LOCAL_HOST = re.compile(r"(localhost|127\.0\.0\.1)(:[0-9]{1,5})?", re.ASCII | re.IGNORECASE)
_FORWARDING: Final = ("forwarded", "x-real-ip", "via")


@dataclass(frozen=True, slots=True)
class Principal:
    """Whose call it is and what it may do."""

    client: int
    client_name: str
    allowance: Allowance
    scopes: frozenset[str]
    actor: str
    """As it stands in the books: `key:<prefix>`, `jwt:<subject>`, or `loopback`."""
    is_paused: bool = False
    """All movements of money are stopped, as of a few seconds ago."""


def authenticate(call: Call) -> Principal:
    """Tell whose call it is, asking the primary where memory does not know.

    :raises Unauthenticated: without a valid credential.
    :raises IssuerUnavailable: if a token cannot be judged now.
    """
    shown = presented(call)
    if shown is None:
        return loopback_principal(credentials.find_owner(settings.DEMO_CLIENT))
    if isinstance(shown, SignedToken):
        claims = claims_of(shown, issuer().find(shown.kid))
        return admit_token(claims, credentials.find_owner(claims.client_name))
    return admit(shown, credentials.find(shown.prefix), call.peer)


def presented(call: Call) -> ParsedKey | SignedToken | None:
    """Read the credential of a call; None: there is none, and the open loopback admits the call.

    :raises Unauthenticated: if one is needed, or what was sent cannot be one.
    """
    sent = _sent_credentials(call.headers)
    if not sent:
        if is_open_loopback(call):
            return None
        raise Unauthenticated
    if any(other != sent[0] for other in sent):
        raise Unauthenticated
    shown: ParsedKey | SignedToken | None = credentials.parse(sent[0])
    if shown is None and settings.TOKENS is not None and "x-api-key" not in call.headers:
        shown = checking.read(sent[0], settings.TOKENS)
    if shown is None:
        raise Unauthenticated
    return shown


def issuer() -> IssuerKeys:
    """Return the keys of the issuer whose tokens are believed.

    :raises Unauthenticated: if there is none.
    """
    keys = issuer_keys.configured()
    if keys is None:
        raise Unauthenticated
    return keys


def claims_of(token: SignedToken, key: PyJWK | None) -> Claims:
    """Return what a token says, if its key and the rules bear it out.

    :raises Unauthenticated: if they do not, whatever the reason.
    """
    claims = None if settings.TOKENS is None else checking.check(token, key, settings.TOKENS)
    if claims is None:
        raise Unauthenticated
    return claims


def admit_token(claims: Claims, owner: Owner | None) -> Principal:
    """Make the principal of a good token, whose client must be ours and active.

    :raises Unauthenticated: if it is not.
    """
    if owner is None:
        raise Unauthenticated
    return Principal(
        client=owner.client,
        client_name=owner.client_name,
        allowance=owner.allowance,
        scopes=claims.scopes,
        actor=f"jwt:{claims.subject}",
        is_paused=owner.is_paused,
    )


def admit(key: ParsedKey, credential: Credential | None, address: str) -> Principal:
    """Make the principal of a key that opens its credential for a caller at this address.

    :raises Unauthenticated: if it does not, whatever the reason.
    """
    if credential is None:
        credentials.burn_time(key)
        raise Unauthenticated
    if not credential.admits(key, clock.now(), address):
        raise Unauthenticated
    key_use.USE.note(credential.prefix)
    return Principal(
        client=credential.client,
        client_name=credential.client_name,
        allowance=credential.allowance,
        scopes=credential.scopes,
        actor=f"key:{credential.prefix}",
        is_paused=credential.is_paused,
    )


def require(principal: Principal, scope: str) -> None:
    """Hold a principal to its scopes.

    :raises ScopeMissing: if the scope is not among them.
    """
    if scope not in principal.scopes:
        raise ScopeMissing(f"This needs the scope {scope}.", scope=scope)


def require_running(principal: Principal) -> None:
    """Turn away what would move money while the operators have stopped it.

    :raises WritesPaused: then.
    """
    if principal.is_paused:
        raise switch.stopped()


def is_open_loopback(call: Call) -> bool:
    """Tell whether a call without a key may be the demo client's.

    Both ends of the connection must be this machine, and nothing may hint at a proxy: behind one,
    every peer is local. And no page of another site may have made the browser of somebody here
    send it.
    """
    return (
        bool(settings.OPEN_LOOPBACK)
        and _is_loopback(call.peer)
        and _is_loopback(call.bound)
        and _LOCAL_HOST.fullmatch(call.headers.get("host", "")) is not None
        and not any(name in _FORWARDING or name.startswith("x-forwarded-") for name in call.headers)
        and not _is_of_another_site(call.headers)
    )


def loopback_principal(owner: Owner | None) -> Principal:
    """Make the principal of an open loopback: the demo client with every scope.

    :raises Unauthenticated: if there is no such client, or it is switched off.
    """
    if owner is None:
        raise Unauthenticated
    return Principal(
        client=owner.client,
        client_name=owner.client_name,
        allowance=owner.allowance,
        scopes=frozenset(Scope.values),
        actor="loopback",
        is_paused=owner.is_paused,
    )


def _sent_credentials(headers: Mapping[str, str]) -> list[str]:
    found = []
    if "authorization" in headers:
        bearer = _BEARER.fullmatch(headers["authorization"])
        # Another scheme is a credential too, one that opens nothing.
        found.append(bearer.group(1) if bearer else "")
    if "x-api-key" in headers:
        found.append(headers["x-api-key"].strip(" \t"))
    return found


def _is_of_another_site(headers: Mapping[str, str]) -> bool:
    """Tell whether a browser says that a page from elsewhere sends this."""
    origin = headers.get("origin")
    return headers.get("sec-fetch-site", "none") not in ("none", "same-origin") or (
        origin is not None and origin != f"http://{headers.get('host', '')}"
    )


def _is_loopback(address: str) -> bool:
    if address == "localhost":
        return True
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return bool((mapped or found).is_loopback)
