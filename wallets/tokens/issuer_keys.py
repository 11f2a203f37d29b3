"""The issuer's keys: fetched in the background, kept for a while, found by their ids.

No request fetches anything itself. One that shows a key's id that is not known waits for a fetch,
which is begun at most once in `AGAIN_SECONDS`; so a flood of invented ids costs the issuer nothing.
"""

from __future__ import annotations

import http.client
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final
from urllib.parse import urlsplit

import jwt
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from wallets import metrics
from wallets.errors import IssuerUnavailable
from wallets.tokens import key_set
from wallets.tokens.rules import TokenRules

logger = logging.getLogger(__name__)

FRESH_SECONDS: Final = 300.0
"""After so long the keys are fetched anew, so that one which the issuer took back ends here too."""
AGAIN_SECONDS: Final = 30.0
"""How soon the next fetch may follow a good one."""
AGAIN_AFTER_FAILURE_SECONDS: Final = 5.0
SOCKET_SECONDS: Final = 2.0
"""How long a connection, or a piece of the answer, may take."""
FETCH_SECONDS: Final = 3.0
"""How long the whole fetch may take."""
WAIT_SECONDS: Final = FETCH_SECONDS + SOCKET_SECONDS
"""How long a request waits for it: below the 8 s after which its command would be dropped."""
ANSWER_BYTES_MAX: Final = 64 * 1024

Fetch = Callable[[str], bytes]


class IssuerKeys:
    """What is known of an issuer's keys."""

    def __init__(self, rules: TokenRules, fetch: Fetch | None = None) -> None:
        """Take the rules, and what fetches the set from an address."""
        self._rules = rules
        self._fetch = fetch or fetch_set
        self._changed = threading.Condition()
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._fetched_at: float | None = None
        self._next_at: float = 0
        self._failed = False
        self._is_fetching = False
        if rules.jwks:
            self._keys = key_set.parse(rules.jwks, rules.algorithm)

    def known(self, kid: str) -> jwt.PyJWK | None:
        """Return a key without waiting for anything; None: it is not known now."""
        if not self._rules.jwks_url:
            return self._keys.get(kid)
        with self._changed:
            if self._age() > FRESH_SECONDS:
                self._begin()
            return self._believed().get(kid)

    def find(self, kid: str) -> jwt.PyJWK | None:
        """Return a key, waiting for a fetch if one may help; None: the issuer has no such key.

        :raises IssuerUnavailable: if that cannot be told, because the issuer does not answer.
        """
        found = self.known(kid)
        if found is not None or not self._rules.jwks_url:
            return found
        with self._changed:
            self._begin()
            self._changed.wait_for(lambda: not self._is_fetching, WAIT_SECONDS)
            found = self._believed().get(kid)
            if found is None and (self._is_fetching or self._failed or not self._believed()):
                raise IssuerUnavailable(
                    "The issuer's keys cannot be fetched, so the token cannot be judged; "
                    "send the same request with the same key."
                )
            return found

    def _believed(self) -> Mapping[str, jwt.PyJWK]:
        return self._keys if self._age() <= self._rules.kept_seconds else {}

    def _age(self) -> float:
        return math.inf if self._fetched_at is None else time.monotonic() - self._fetched_at

    def _begin(self) -> None:
        """Begin a fetch if none runs and it is time; a thread for each, so a fork is no matter."""
        if self._is_fetching or time.monotonic() < self._next_at:
            return
        self._is_fetching = True
        threading.Thread(target=self._work, name="issuer-keys", daemon=True).start()

    def _work(self) -> None:
        keys: Mapping[str, jwt.PyJWK] | None = None
        try:
            keys = key_set.parse(self._fetch(self._rules.jwks_url), self._rules.algorithm)
        except (OSError, http.client.HTTPException, ValueError) as error:
            logger.warning("issuer_keys.failed", extra={"reason": str(error)})
        finally:
            self._note(keys)

    def _note(self, keys: Mapping[str, jwt.PyJWK] | None) -> None:
        with self._changed:
            moment = time.monotonic()
            self._is_fetching = False
            self._failed = keys is None
            self._next_at = moment + (
                AGAIN_AFTER_FAILURE_SECONDS if keys is None else AGAIN_SECONDS
            )
            if keys is not None:
                self._keys = keys
                self._fetched_at = moment
            metrics.ISSUER_FETCHES.labels("failed" if keys is None else "ok").inc()
            self._changed.notify_all()


def fetch_set(url: str) -> bytes:
    """Fetch a key set; follows no redirect, for the address was chosen by the operator.

    :raises OSError, HTTPException, ValueError: if it cannot be had in time and size.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=SOCKET_SECONDS)
    deadline = time.monotonic() + FETCH_SECONDS
    where = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("GET", where, headers={"Accept": "application/json"})
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            raise ValueError(f"The issuer answered {answer.status}.")
        body = b""
        while piece := answer.read1(ANSWER_BYTES_MAX):
            body += piece
            if len(body) > ANSWER_BYTES_MAX:
                raise ValueError(f"The key set has more than {ANSWER_BYTES_MAX} bytes.")
            if time.monotonic() > deadline:
                raise TimeoutError("The key set comes too slowly.")
        return body
    finally:
        connection.close()


@cache
def configured() -> IssuerKeys | None:
    """Return the keys of the settings' issuer; None: there is none.

    :raises ImproperlyConfigured: if the given set has no usable key.
    """
    if settings.TOKENS is None:
        return None
    try:
        return IssuerKeys(settings.TOKENS)
    except ValueError as error:
        raise ImproperlyConfigured(f"JWT_JWKS: {error}") from error
