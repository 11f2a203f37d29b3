"""API keys: `prefix.secret`, made here, stored as digests, looked up and kept for a few seconds."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
import string
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from wallet_project.kit import clock, replica
from wallets.models import ApiKey, Client, Plan
from wallets.safeguards import switch

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

KEPT_SECONDS: Final = 4.0
"""How long a key is believed without asking again: a revocation bites within 5 s."""
MISSES_KEPT_SECONDS: Final = 1.0
"""How long a prefix is known to be unknown: short, so that a key made just now works."""

_KEPT: Final = 10_000
_PREFIX_CHARACTERS: Final = string.ascii_lowercase + string.digits
_PREFIX_LENGTH: Final = 12
_SECRET_BYTES: Final = 32
_KEY = re.compile(r"([a-z0-9]{12})\.([A-Za-z0-9_-]{43})", re.ASCII)
_NO_DIGEST: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a client's plan grants; None: no limit."""

    plan: str
    requests_per_minute: int | None
    withdrawals_per_minute: int | None


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """A key as a caller sent it, taken apart."""

    prefix: str
    digest: bytes
    """Of the secret."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What the database knows of a key."""

    prefix: str
    digest: bytes
    client: int
    client_name: str
    allowance: Allowance
    scopes: frozenset[str]
    is_usable: bool
    """Neither the key revoked nor its client switched off, when it was looked up."""
    expires_at: datetime | None
    is_paused: bool = False
    """All movements of money were stopped when it was looked up."""
    networks: tuple[Network, ...] = ()
    """From where it may be used; empty: from anywhere."""

    def admits(self, key: ParsedKey, moment: datetime, address: str) -> bool:
        """Tell whether the key opens this credential at a moment for a caller at an address; takes
        the same time for all."""
        matches = hmac.compare_digest(self.digest, key.digest)
        in_time = self.expires_at is None or moment < self.expires_at
        return matches and self.is_usable and in_time and self._lets_in(address)

    def _lets_in(self, address: str) -> bool:
        if not self.networks:
            return True
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:  # a socket of this machine: no network that somebody could have named
            return False
        plain = getattr(found, "ipv4_mapped", None) or found
        return any(plain in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class Owner:
    """A client, for calls that need no key."""

    client: int
    client_name: str
    allowance: Allowance
    is_paused: bool = False


V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Remembered(Generic[V]):
    """The answer of a look-up, which may have been that there is no such thing."""

    found: V | None
    until: float
    """On the monotonic clock, seconds."""


def make_prefix() -> str:
    """Make the name of a new key, which is no secret."""
    return "".join(secrets.choice(_PREFIX_CHARACTERS) for _ in range(_PREFIX_LENGTH))


def make_key(prefix: str = "") -> tuple[str, str]:
    """Make a new key, of a prefix made before; return prefix and whole key, which is shown once."""
    prefix = prefix or make_prefix()
    return prefix, f"{prefix}.{secrets.token_urlsafe(_SECRET_BYTES)}"


def parse(text: str) -> ParsedKey | None:
    """Take a key apart, or return None for what cannot be one."""
    found = _KEY.fullmatch(text)
    return None if found is None else ParsedKey(found.group(1), digest_of(found.group(2)))


def digest_of(secret: str) -> bytes:
    """Digest a secret. No slow hash: 256 random bits cannot be guessed."""
    return hashlib.sha256(secret.encode()).digest()


def burn_time(key: ParsedKey) -> None:
    """Compare against nothing, so that an unknown prefix costs what a wrong secret costs."""
    hmac.compare_digest(_NO_DIGEST, key.digest)


def remembered(prefix: str) -> Remembered[Credential] | None:
    """Return what is known of a prefix without asking the database, or None."""
    return _keys.get(prefix)


def look_up(prefix: str) -> Remembered[Credential]:
    """Ask the primary for a key and remember the answer for a few seconds.

    While the primary is away the replica answers: a key that was revoked just before may then
    still read, and nothing can be written.
    """
    found = replica.read_primary_first(lambda source: _load_key(source.using, prefix))
    return _keys.put(prefix, found)


def find(prefix: str) -> Credential | None:
    """Return a key's credential from memory, else from the primary."""
    return (remembered(prefix) or look_up(prefix)).found


def remembered_owner(name: str) -> Remembered[Owner] | None:
    """Return what is known of an active client without asking the database, or None."""
    return _owners.get(name)


def look_up_owner(name: str) -> Remembered[Owner]:
    """Ask the primary for an active client and remember the answer for a few seconds."""
    found = replica.read_primary_first(lambda source: _load_owner(source.using, name))
    return _owners.put(name, found)


def find_owner(name: str) -> Owner | None:
    """Return an active client from memory, else from the primary."""
    return (remembered_owner(name) or look_up_owner(name)).found


def forget_all() -> None:
    """Empty the memory; for tests that change keys and clients."""
    _keys.clear()
    _owners.clear()


class _Memory(Generic[V]):
    """Answers of look-ups, each for a few seconds, of bounded size."""

    def __init__(self) -> None:
        # Apart, so that a flood of guesses cannot push out the keys in use.
        self._hits: OrderedDict[str, Remembered[V]] = OrderedDict()
        self._misses: OrderedDict[str, Remembered[V]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str) -> Remembered[V] | None:
        with self._lock:
            known = self._hits.get(name) or self._misses.get(name)
        return known if known is not None and time.monotonic() < known.until else None

    def put(self, name: str, found: V | None) -> Remembered[V]:
        kept_seconds = MISSES_KEPT_SECONDS if found is None else KEPT_SECONDS
        answer = Remembered(found, time.monotonic() + kept_seconds)
        memory = self._misses if found is None else self._hits
        with self._lock:
            self._hits.pop(name, None)
            self._misses.pop(name, None)
            # All live equally long, so the first in is the first to expire.
            memory[name] = answer
            while len(memory) > _KEPT:
                memory.popitem(last=False)
        return answer

    def clear(self) -> None:
        with self._lock:
            self._hits.clear()
            self._misses.clear()


_keys: Final = _Memory[Credential]()
_owners: Final = _Memory[Owner]()


def _load_key(using: str, prefix: str) -> Credential | None:
    keys = ApiKey.objects.using(using).select_related("client__plan")
    row: Any = keys.filter(prefix=prefix).annotate(is_paused=switch.paused(using)).first()
    if row is None:
        return None
    switch.note(row.is_paused)
    return Credential(
        prefix=prefix,
        digest=bytes(row.secret_digest),
        client=row.client_id,
        client_name=row.client.name,
        allowance=_allowance(row.client.plan),
        scopes=frozenset(row.scopes),
        is_usable=row.client.is_active and (row.revoked_at is None or row.revoked_at > clock.now()),
        expires_at=row.expires_at,
        is_paused=row.is_paused,
        networks=tuple(ipaddress.ip_network(network) for network in row.networks or ()),
    )


def _load_owner(using: str, name: str) -> Owner | None:
    clients = Client.objects.using(using).select_related("plan")
    found = clients.filter(name=name, is_active=True).annotate(is_paused=switch.paused(using))
    row: Any = found.first()
    return None if row is None else Owner(row.pk, row.name, _allowance(row.plan), row.is_paused)


def _allowance(plan: Plan) -> Allowance:
    return Allowance(plan.name, plan.requests_per_minute, plan.withdrawals_per_minute)
