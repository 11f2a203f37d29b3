"""Reads of holds. Each is told as it is at the moment of the read, whoever has looked before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from wallet_project.kit import clock, replica
from wallet_project.kit.replica import Source
from wallets import balance_cache, errors, identity
from wallets.holds import HoldRecord, record_of
from wallets.identity import WalletIdentity
from wallets.models import Hold, HoldOwner, HoldStatus
from wallets.sources import primary_clock, row_of


@dataclass(frozen=True, slots=True)
class HoldsPage:
    """Some of a wallet's holds, newest first."""

    items: Sequence[HoldRecord]
    stale_as_of: datetime | None = None


def identify(client: int, name: str) -> HoldRecord:
    """Find a client's hold. What it is never changes; how it stands may be old by now.

    :raises HoldNotFound: if the client has no such hold.
    """
    hold = identity.parse_uuid(name)
    row = None if hold is None else replica.read(lambda source: _row(source, hold))
    if row is None or row.client != client:
        raise errors.HoldNotFound("The hold does not exist.", field="holdId")
    return record_of(row)


def identify_to_end(client: int, name: str) -> tuple[HoldRecord, WalletIdentity]:
    """Find a client's hold and its wallet, for a caller who wants to capture or void it.

    :raises HoldNotFound: if the client has no such hold.
    :raises HoldOfPayout: if only a payout can end it.
    """
    hold = identify(client, name)
    if hold.owner == HoldOwner.PAYOUT:
        raise errors.HoldOfPayout("Its payout captures or releases it.")
    return hold, identity.identify(client, str(hold.wallet_id))


def hold(client: int, name: str, *, min_version: int | None = None) -> HoldRecord:
    """Read a client's hold as it stands.

    :raises HoldNotFound: if the client has no such hold.
    :raises VersionNotReached: if its wallet is not at `min_version` on the primary either.
    """
    known = identify(client, name)
    wallet = identity.identify(client, str(known.wallet_id))
    seen = balance_cache.version_of(wallet.id)

    def ask(source: Source) -> HoldRecord:
        row_of(source, wallet, min_version, seen)
        row = Hold.objects.using(source.using).get(pk=known.id)
        return record_of(row).as_of(_now(source))

    return replica.read(ask)


def holds_page(
    wallet: WalletIdentity,
    *,
    status: HoldStatus | None,
    before: UUID | None,
    limit: int,
    min_version: int | None = None,
) -> HoldsPage:
    """List a wallet's holds, newest first, below an id.

    :raises VersionNotReached: if the wallet is not at `min_version` on the primary either.
    """
    seen = balance_cache.version_of(wallet.id)

    def ask(source: Source) -> HoldsPage:
        _, moment = row_of(source, wallet, min_version, seen)
        now = _now(source)
        found = Hold.objects.using(source.using).filter(_is(status, now), wallet=wallet.id)
        if before is not None:
            found = found.filter(pk__lt=before)
        return HoldsPage(
            [record_of(row).as_of(now) for row in found.order_by("-id")[:limit]],
            stale_as_of=moment if source.is_last_resort else None,
        )

    return replica.read(ask)


def _row(source: Source, hold: UUID) -> Hold | None:
    row = Hold.objects.using(source.using).filter(pk=hold).first()
    source.need(row is not None)
    return row


def _is(status: HoldStatus | None, now: datetime) -> Q:
    """Make the condition that a hold has a status at a moment."""
    if status is None:
        return Q()
    passed = Q(status=HoldStatus.ACTIVE, expires_at__lte=now)
    if status is HoldStatus.ACTIVE:
        return Q(status=status) & ~passed
    return Q(status=status) | passed if status is HoldStatus.EXPIRED else Q(status=status)


def _now(source: Source) -> datetime:
    return clock.now() if source.is_replica else primary_clock()
