"""Balances in Redis, for reads only: nothing about money is ever decided on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from uuid import UUID

from django.conf import settings
from django.db import connections

from wallet_project.kit import replica
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.versioned_cache import Copy, VersionedCache


@dataclass(frozen=True, slots=True)
class CachedBalance:
    """A wallet's money at some moment; amounts in minor units."""

    wallet_id: UUID
    version: int
    balance: int
    held: int
    available: int
    status: str
    as_of: datetime
    """On the primary's clock; it may have been true for longer."""
    ends_at: datetime | None = None
    """When a hold expires and less is held than this says; None: never, by itself."""


def get(wallet_id: UUID) -> CachedBalance | None:
    """Return what is known of a wallet, or None: nothing younger than ten seconds."""
    return read(wallet_id, _cache().get(key_of(wallet_id)) if _is_usable() else None)


def read(wallet_id: UUID, found: tuple[int, str] | None) -> CachedBalance | None:
    """Read version and text as the cache keeps them."""
    if found is None:
        return None
    version, text = found
    balance, held, available, status, as_of = text.split()
    return CachedBalance(
        wallet_id,
        version,
        int(balance),
        int(held),
        int(available),
        status,
        datetime.fromisoformat(as_of),
    )


def version_of(wallet_id: UUID) -> int:
    """Return the highest version that was seen within ten seconds, or 0."""
    found = get(wallet_id)
    return found.version if found else 0


def put(balances: Iterable[CachedBalance]) -> None:
    """Store balances over older ones, after the commit that made them or the read that saw them.

    Takes 50 ms at most. Does nothing inside a transaction: what is rolled back must not be seen.
    """
    if _is_usable():
        _cache().put([copy_of(one) for one in balances])


def note_opened(client: int, moment: datetime) -> None:
    """Remember for ten seconds that a client opened a wallet, so that its list shows it."""
    if _is_usable():
        microseconds = int(moment.timestamp() * 1_000_000)
        _cache().put([Copy(_opened_key(client), microseconds, moment, moment.isoformat())])


def last_opened_at(client: int) -> datetime | None:
    """Return when a client last opened a wallet, on the primary's clock; None: not just now."""
    found = _cache().get(_opened_key(client)) if _is_usable() else None
    return None if found is None else datetime.fromisoformat(found[1])


def key_of(wallet_id: UUID) -> str:
    """Name a wallet's copy in the cache."""
    # The number is that of the text's form: two releases may run side by side.
    return f"{settings.REDIS_KEY_PREFIX}wallet:balance:1:{wallet_id.hex}"


def copy_of(one: CachedBalance) -> Copy:
    """Write a balance as the cache keeps it."""
    as_of = one.as_of.astimezone(UTC).isoformat()
    text = f"{one.balance} {one.held} {one.available} {one.status} {as_of}"
    return Copy(key_of(one.wallet_id), one.version, one.as_of, text, one.ends_at)


def forget_failures() -> None:
    """Ask Redis again at once; for tests that stop and start it."""
    if settings.REDIS_URL:
        _cache().forget_failures()


def _is_usable() -> bool:
    # A transaction reads what it may decide on, and nobody else may see what it has not committed.
    return bool(settings.REDIS_URL) and not connections[PRIMARY].in_atomic_block


def _opened_key(client: int) -> str:
    return f"{settings.REDIS_KEY_PREFIX}wallet:opened:{client}"


@cache
def _cache() -> VersionedCache:
    return VersionedCache(settings.REDIS_URL, kept=replica.FRESH)
