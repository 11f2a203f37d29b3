"""What the back office asks about one wallet. Asked of the primary: people act on what they see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, F, OuterRef, QuerySet, Subquery, Sum

from wallet_project.kit.database import PRIMARY
from wallet_project.kit.replica import Source
from wallets.holds import HoldRecord, record_of
from wallets.models import Hold, HoldStatus, Operation, Payout, Wallet

_SOURCE: Final = Source(PRIMARY)


@dataclass(frozen=True, slots=True)
class WalletFacts:
    """A wallet and its holds as one statement saw them; amounts in minor units."""

    row: Wallet
    true_at: datetime
    active_holds: int
    """How many holds nobody has ended yet."""
    in_active_holds: int
    """What they have set aside; the row's `held` must say the same."""
    expired: int
    """How much of that is free again, because its time has passed."""

    @property
    def held(self) -> int:
        """Minor units that are set aside now."""
        return self.row.held - self.expired

    @property
    def available(self) -> int:
        """Minor units that may leave the wallet now."""
        return self.row.available + self.expired


def facts(wallet: UUID) -> WalletFacts | None:
    """Read a wallet with the sums of its holds; None where there is no such wallet."""
    active = Hold.objects.using(PRIMARY).filter(wallet=OuterRef("pk"), status=HoldStatus.ACTIVE)
    grouped = active.order_by().values("wallet").annotate(total=Sum("amount"), holds=Count("pk"))
    rows: QuerySet[Any] = Wallet.objects.using(PRIMARY).select_related("client").filter(pk=wallet)
    row = (
        with_expired(rows)
        .annotate(
            true_at=_SOURCE.moment(),
            in_active=Subquery(grouped.values("total")),
            active=Subquery(grouped.values("holds")),
        )
        .first()
    )
    if row is None:
        return None
    return WalletFacts(
        row=row,
        true_at=row.true_at,
        active_holds=row.active or 0,
        in_active_holds=int(row.in_active or 0),
        expired=int(row.expired or 0),
    )


def with_expired(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Add to wallets' rows what is still held by holds whose time has passed: `expired`.

    One look-up in an index for each row that is shown.
    """
    holds = Hold.objects.using(rows.db).filter(
        wallet=OuterRef("pk"), status=HoldStatus.ACTIVE, expires_at__lte=_SOURCE.moment()
    )
    total = holds.order_by().values("wallet").annotate(total=Sum("amount"))
    found: QuerySet[Any] = rows.annotate(expired=Subquery(total.values("total")))
    return found


def latest_holds(wallet: UUID, moment: datetime, *, limit: int) -> list[HoldRecord]:
    """List a wallet's holds, newest first, each as it is at a moment."""
    rows = Hold.objects.using(PRIMARY).filter(wallet=wallet).order_by("-id")[:limit]
    return [record_of(row).as_of(moment) for row in rows]


def active_holds(wallet: UUID, moment: datetime, *, limit: int) -> list[HoldRecord]:
    """List the holds that nobody has ended, those that expire first at the top."""
    rows = Hold.objects.using(PRIMARY).filter(wallet=wallet, status=HoldStatus.ACTIVE)
    ordered = rows.order_by(F("expires_at").asc(nulls_last=True), "id")[:limit]
    return [record_of(row).as_of(moment) for row in ordered]


def latest_operations(wallet: UUID, *, limit: int) -> Sequence[Operation]:
    """List a wallet's accepted operations, the one accepted last first."""
    return list(Operation.objects.using(PRIMARY).filter(wallet=wallet).order_by("-id")[:limit])


def latest_payouts(wallet: UUID, *, limit: int) -> Sequence[Payout]:
    """List a wallet's payouts, newest first; whom they pay stays out of it."""
    rows = Payout.objects.using(PRIMARY).filter(wallet=wallet).defer("destination")
    return list(rows.order_by("-id")[:limit])
