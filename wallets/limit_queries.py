"""Reads of the limits of wallets, and of what is left of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wallet_project.kit import clock, replica
from wallet_project.kit.replica import Source
from wallets.identity import WalletIdentity
from wallets.safeguards import limits
from wallets.safeguards.limits import NO_BOUNDS, Bounds, Use, Window
from wallets.safeguards.models import Limit, LimitUse
from wallets.sources import primary_clock


@dataclass(frozen=True, slots=True)
class LimitsView:
    """The limits in force for a wallet; none where anything may leave it."""

    windows: Sequence[Window]
    stale: bool
    """Whether only the replica could answer."""


def limits_of(wallet: WalletIdentity) -> LimitsView:
    """Tell the limits of a wallet, its own before its client's, and what of them is used.

    :raises django.db.Error: if neither database could tell.
    """
    return replica.read_primary_first(lambda source: _read(source, wallet))


def bounds_of(row: Limit) -> Bounds:
    """Tell the limits of a row."""
    return Bounds(row.per_operation, row.per_day, row.per_month, row.count_per_day)


def _read(source: Source, wallet: WalletIdentity) -> LimitsView:
    default = limits.default_scope(wallet.client, wallet.currency)
    rows = Limit.objects.using(source.using).filter(pk__in=[wallet.id, default])
    found = {row.scope: bounds_of(row) for row in rows}
    bounds = found.get(wallet.id, NO_BOUNDS).over(found.get(default, NO_BOUNDS))
    if bounds == NO_BOUNDS:
        return LimitsView((), source.is_replica)
    today = (clock.now() if source.is_replica else primary_clock()).date()
    row = LimitUse.objects.using(source.using).filter(pk=wallet.id).first()
    use = Use(today)
    if row is not None:
        use = Use(row.day, row.day_amount, row.day_count, row.month_amount).on(today)
    return LimitsView(limits.windows(bounds, use), source.is_replica)
