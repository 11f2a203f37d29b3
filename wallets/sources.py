"""Reads a wallet's row from a source that is good enough for the question."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from django.db.models import OuterRef, Subquery, Sum

from wallet_project.kit import clock
from wallet_project.kit.heartbeat import primary_clock as primary_clock
from wallet_project.kit.replica import Source
from wallets import errors
from wallets.balance_cache import CachedBalance
from wallets.identity import WalletIdentity
from wallets.models import Hold, HoldStatus, Wallet


class HasMoney(Protocol):
    """A wallet's row, or the view of one."""

    @property
    def id(self) -> UUID: ...
    @property
    def version(self) -> int: ...
    @property
    def balance(self) -> int: ...
    @property
    def held(self) -> int: ...
    @property
    def available(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def next_hold_expiry(self) -> datetime | None: ...


def row_of(
    source: Source,
    identity: WalletIdentity,
    min_version: int | None,
    seen_version: int = 0,
) -> tuple[Wallet, datetime]:
    """Read a wallet's row and, in the same snapshot, as of when it is true.

    :raises Behind: if the replica does not have what is asked for.
    :raises VersionNotReached: if the primary does not have the version.
    """
    row = rows_of(source, {identity.id}).get(identity.id)
    return good_enough(source, row, min_version, seen_version, needs_fresh=True)


def rows_of(source: Source, wallets: Collection[UUID]) -> dict[UUID, Any]:
    """Read wallets' rows; each has `true_at`, as of when it is true by the same snapshot."""
    rows = Wallet.objects.using(source.using).filter(pk__in=list(wallets))
    return {row.id: row for row in settled(source, rows.annotate(true_at=source.moment()))}


def settled(source: Source, rows: Iterable[Any]) -> list[Any]:
    """Return rows without what is held by holds whose time has passed and nobody has ended yet.

    Wallets that have such holds are read once more, together with the sum of those: one statement
    sees both as they were at one moment.
    """
    found = list(rows)
    expiring = [row for row in found if row.next_hold_expiry is not None]
    if not expiring:
        return found
    now = clock.now() if source.is_replica else primary_clock()
    due = [row.id for row in expiring if row.next_hold_expiry <= now]
    holds = Hold.objects.using(source.using).filter(wallet=OuterRef("pk"), status=HoldStatus.ACTIVE)
    expired = holds.filter(expires_at__lte=now).values("wallet").annotate(total=Sum("amount"))
    again = Wallet.objects.using(source.using).filter(pk__in=due)
    latest: dict[UUID, Any] = {}
    for row in again.annotate(true_at=source.moment(), expired=Subquery(expired.values("total"))):
        row.held -= row.expired or 0
        latest[row.id] = row
    return [latest.get(row.id, row) for row in found]


def good_enough(
    source: Source,
    row: Any,
    min_version: int | None,
    seen_version: int = 0,
    *,
    needs_fresh: bool,
) -> tuple[Wallet, datetime]:
    """Hold a row to what a reader asks for; return it and as of when it is true.

    A version that the caller names is enough by itself. Without one the replica must be fresh,
    and not behind what the cache has seen: so most callers see their own writes unasked.

    :raises Behind: if the replica does not have that.
    :raises VersionNotReached: if the primary does not have the version.
    """
    source.need(row is not None and (source.is_last_resort or row.true_at is not None))
    if row is None:
        raise errors.WalletNotFound("The wallet does not exist.", field="walletId")
    if min_version is not None:
        source.need(row.version >= min_version)
        if row.version < min_version:
            raise errors.VersionNotReached(
                f"The wallet is at version {row.version}, {min_version} was asked for.",
                version=row.version,
            )
    else:
        source.need(not needs_fresh or source.is_fresh(row.true_at))
        source.need(source.is_last_resort or row.version >= seen_version)
    return row, row.true_at or row.updated_at


def as_cached(row: HasMoney, as_of: datetime) -> CachedBalance:
    """Take from a wallet, as it was at a moment, what the cache keeps."""
    return CachedBalance(
        row.id,
        row.version,
        row.balance,
        row.held,
        row.available,
        row.status,
        as_of,
        row.next_hold_expiry,
    )
