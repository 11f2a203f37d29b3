"""Runs of `rebuild_balances`: begun, gone on with, ended. A run is one row, and survives a kill."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F

from wallet_project.kit.clock import now
from wallet_project.kit.database import PRIMARY
from wallets.models import BalanceRebuild


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run looks at. The same scope, asked for again, goes on with an unfinished run."""

    wallets: tuple[UUID, ...] = ()
    """Empty: all of them."""
    client: int | None = None
    is_dry: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        wallets = sorted(str(wallet) for wallet in self.wallets)
        return {"wallets": wallets, "client": self.client, "dryRun": self.is_dry}

    def digest(self) -> bytes:
        """Return what identifies the scope."""
        return hashlib.sha256(json.dumps(self.as_dict(), sort_keys=True).encode()).digest()


@dataclass(frozen=True, slots=True)
class Step:
    """What a batch adds to a run."""

    through: UUID
    """The last wallet of the batch."""
    wallets: int = 0
    differing: int = 0
    mended: int = 0
    left: int = 0


def begin(scope: Scope, *, actor: str, reason: str, from_start: bool) -> BalanceRebuild:
    """Go on with the unfinished run of a scope, or begin one.

    :param from_start: whether to begin anew; the unfinished run then ends where it is.
    """
    runs = BalanceRebuild.objects.using(PRIMARY)
    unfinished = runs.filter(scope_digest=scope.digest(), finished_at__isnull=True)
    if from_start:
        unfinished.update(finished_at=now())
    found = unfinished.order_by("-pk").first()
    if found is not None:
        return found
    moment = now()
    return runs.create(
        scope=scope.as_dict(),
        scope_digest=scope.digest(),
        actor=actor,
        reason=reason,
        started_at=moment,
        updated_at=moment,
    )


def advance(run: BalanceRebuild, step: Step, moment: datetime) -> bool:
    """Note a batch within the transaction that mends it; False: somebody has noted it before."""
    rows = BalanceRebuild.objects.using(PRIMARY).filter(pk=run.pk, finished_at__isnull=True)
    if run.last_wallet is None:
        rows = rows.filter(last_wallet__isnull=True)
    else:
        rows = rows.filter(last_wallet=run.last_wallet)
    changed = rows.update(
        last_wallet=step.through,
        wallets=F("wallets") + step.wallets,
        differing=F("differing") + step.differing,
        mended=F("mended") + step.mended,
        left=F("left") + step.left,
        updated_at=moment,
    )
    return changed == 1


def finish(run: BalanceRebuild) -> None:
    """Note that every wallet of the scope was looked at."""
    rows = BalanceRebuild.objects.using(PRIMARY).filter(pk=run.pk, finished_at__isnull=True)
    rows.update(finished_at=now())
    run.refresh_from_db(using=PRIMARY)


def latest(*, limit: int) -> Sequence[BalanceRebuild]:
    """List the latest runs, newest first."""
    return list(BalanceRebuild.objects.using(PRIMARY).order_by("-pk")[:limit])
