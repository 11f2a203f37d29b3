"""Reads a bearer token and holds it to the rules. What is wrong with one is nobody's business."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

import jwt

from wallets.models import Scope
from wallets.tokens.key_set import KID_LENGTH_MAX
from wallets.tokens.rules import TokenRules

LENGTH_MAX: Final = 4096
LIFE_SECONDS_MAX: Final = 24 * 3600
"""From `iat` to `exp`: a single token cannot be taken back, so none may live for long."""
SUBJECT_LENGTH_MAX: Final = 60
"""With `jwt:` before it, it stands in the books as the actor."""

_FORM: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_SUBJECT: Final = re.compile(rf"[\x21-\x7e]{{1,{SUBJECT_LENGTH_MAX}}}", re.ASCII)
_REQUIRED: Final = ("exp", "iat", "iss", "aud", "sub", "scope")
_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A token as a caller sent it, and which key it says it is signed with."""

    text: str
    kid: str


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says."""

    client_name: str
    subject: str
    scopes: frozenset[str]
    """Of our scopes, those that it names; an issuer's others mean nothing here."""
    expires_at: int
    """Seconds since 1970."""


def read(text: str, rules: TokenRules) -> SignedToken | None:
    """Take a text for a token; None: it cannot be one of this issuer's."""
    if len(text) > LENGTH_MAX or not _FORM.fullmatch(text):
        return None
    try:
        header = jwt.get_unverified_header(text)
    except (jwt.PyJWTError, RecursionError):
        return None
    kid, kind = header.get("kid"), header.get("typ", "JWT")
    if header.get("alg") != rules.algorithm or "crit" in header:
        return None
    if not isinstance(kid, str) or not 0 < len(kid) <= KID_LENGTH_MAX:
        return None
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        return None
    return SignedToken(text, kid)


def check(token: SignedToken, key: jwt.PyJWK | None, rules: TokenRules) -> Claims | None:
    """Hold a token to its key and the rules; None: it opens nothing."""
    if key is None:
        return None
    name = hashlib.sha256(token.text.encode()).digest()
    known = _checked.get(name, key)
    if known is not None:
        in_time = time.time() < known.expires_at + rules.leeway_seconds
        return known if in_time else None
    try:
        found = jwt.decode(
            token.text,
            key,
            algorithms=[rules.algorithm],
            audience=rules.audience,
            issuer=rules.issuer,
            leeway=rules.leeway_seconds,
            options={"require": [*_REQUIRED, rules.client_claim]},
        )
    except (jwt.PyJWTError, RecursionError, OverflowError, ValueError):
        return None
    claims = _claims_of(found, rules)
    if claims is not None:
        _checked.put(name, key, claims)
    return claims


def forget_all() -> None:
    """Empty the memory; for tests."""
    _checked.clear()


def _claims_of(found: dict[str, Any], rules: TokenRules) -> Claims | None:
    client, subject, scope = found[rules.client_claim], found["sub"], found["scope"]
    begins, ends = found["iat"], found["exp"]
    if not all(isinstance(word, str) for word in (client, subject, scope)):
        return None
    # Whole seconds, and a truth value is none, though Python counts it as a number.
    if type(begins) is not int or type(ends) is not int:
        return None
    if not client or not _SUBJECT.fullmatch(subject):
        return None
    if ends - begins > LIFE_SECONDS_MAX:
        return None
    return Claims(client, subject, frozenset(scope.split(" ")) & frozenset(Scope.values), ends)


class _Memory:
    """Tokens that were checked, with the key that did it: a client sends one for minutes, and a
    signature costs more than all else. A set that is fetched anew has new keys, so they are checked
    again then."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, tuple[jwt.PyJWK, Claims]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: bytes, key: jwt.PyJWK) -> Claims | None:
        with self._lock:
            known = self._known.get(name)
        return known[1] if known is not None and known[0] is key else None

    def put(self, name: bytes, key: jwt.PyJWK, claims: Claims) -> None:
        with self._lock:
            self._known[name] = (key, claims)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._known.clear()


_checked: Final = _Memory()
