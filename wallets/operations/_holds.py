"""Rows of holds for the spine: which a list needs, and what it makes of them.

Whoever changes a hold has locked its wallet, so the holds themselves are read without a lock; the
guard in each update is the second line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db.models import Min

from events import outbox
from wallet_project.kit import one_trip
from wallet_project.kit.bulk_sql import insert_rows
from wallet_project.kit.database import PRIMARY, statement_by_primary_key
from wallets import payout_messages
from wallets.models import Hold, HoldStatus, Payout, Wallet
from wallets.operations import _balances
from wallets.operations._balances import BalanceGuardFailed
from wallets.operations._commands import MovementCommand
from wallets.operations._drafts import Drafts, Ending
from wallets.policies import WalletState


def find(commands: Sequence[MovementCommand]) -> dict[UUID, Hold]:
    """Read the holds that commands of a list would end, after their wallets are locked."""
    ids = {c.terms.hold for c in commands if c.terms is not None and not c.terms.is_new}
    return Hold.objects.using(PRIMARY).in_bulk(list(ids)) if ids else {}


def expire(drafts: Drafts) -> None:
    """Draft the end of every hold whose time has passed, on the wallets that a list has locked.

    So a list decides on what is available at its own moment, however late the sweeper is.
    """
    due = [
        wallet.id
        for wallet in drafts.wallets.values()
        if wallet.next_hold_expiry is not None and wallet.next_hold_expiry <= drafts.moment
    ]
    if not due:
        return
    active = Hold.objects.using(PRIMARY).filter(wallet__in=due, status=HoldStatus.ACTIVE)
    expired = active.filter(expires_at__lte=drafts.moment).order_by("expires_at", "id")
    later = active.filter(expires_at__gt=drafts.moment).values("wallet")
    earliest: Mapping[UUID, datetime] = dict(
        later.annotate(earliest=Min("expires_at")).values_list("wallet", "earliest")
    )
    for hold in expired:
        drafts.expire(hold)
    for wallet in due:
        drafts.expect_expiry(wallet, earliest.get(wallet))


def write_ends(drafts: Drafts) -> None:
    """Update the holds that a list ends, in the order of ids, each only if it is still active.

    :raises BalanceGuardFailed: if one is not.
    """
    for hold in sorted(drafts.ended):
        rows = Hold.objects.using(PRIMARY).filter(pk=hold, status=HoldStatus.ACTIVE)
        sql, params = statement_by_primary_key(rows, **_columns(drafts.ended[hold]))
        one_trip.change(sql, params, check=partial(_expect_one, hold))


def insert(drafts: Drafts) -> None:
    """Insert the holds that a list makes, sorted by key so that lists do not deadlock, and the
    payouts for which some of them are."""
    rows = sorted(drafts.held, key=lambda hold: bytes(hold.idempotency_key))
    insert_rows(Hold, _COLUMNS, [tuple(getattr(row, name) for name in _COLUMNS) for row in rows])
    payouts = [_payout(row, drafts.destinations[row.id]) for row in rows if row.owner]
    insert_rows(
        Payout,
        _PAYOUT_COLUMNS,
        [tuple(getattr(row, name) for name in _PAYOUT_COLUMNS) for row in payouts],
    )
    outbox.record_messages([payout_messages.requested(row) for row in payouts])


def settle(wallets: Mapping[UUID, WalletState], moment: datetime) -> Drafts:
    """End what has expired on locked wallets, for changes that are no movements.

    The states are brought up to date; rows read before this are not.
    """
    drafts = Drafts(dict(wallets), moment)
    expire(drafts)
    if drafts.changes:
        _balances.apply(drafts)
        write_ends(drafts)
        outbox.record(drafts.events)
    return drafts


def due(moment: datetime, *, limit: int) -> list[UUID]:
    """List wallets on which a hold may have expired by a moment, those that wait longest first."""
    rows = Wallet.objects.using(PRIMARY).filter(next_hold_expiry__lte=moment)
    return list(rows.order_by("next_hold_expiry").values_list("pk", flat=True)[:limit])


def count_expired(moment: datetime) -> int:
    """Count the active holds whose time has passed by a moment."""
    wallets = Wallet.objects.using(PRIMARY).filter(next_hold_expiry__lte=moment).values("pk")
    active = Hold.objects.using(PRIMARY).filter(wallet__in=wallets, status=HoldStatus.ACTIVE)
    return active.filter(expires_at__lte=moment).count()


_COLUMNS: Final = (
    "id",
    "wallet_id",
    "client",
    "currency",
    "amount",
    "owner",
    "channel",
    "reference",
    "description",
    "metadata",
    "expires_at",
    "version",
    "created_at",
    "idempotency_key",
    "request_hash",
    "status",
    "captured",
)


_PAYOUT_COLUMNS: Final = (
    "id",
    "client",
    "wallet",
    "currency",
    "amount",
    "channel",
    "reference",
    "destination",
    "status",
    "attempts",
    "next_attempt_at",
    "reason",
    "gateway_reference",
    "created_at",
)


def _payout(hold: Hold, destination: Mapping[str, Any]) -> Payout:
    return Payout(
        id=hold.id,
        client=hold.client,
        wallet=hold.wallet_id,
        currency=hold.currency,
        amount=hold.amount,
        channel=hold.channel,
        reference=hold.reference,
        destination=destination,
        next_attempt_at=hold.created_at,
        created_at=hold.created_at,
    )


def _columns(end: Ending) -> dict[str, object]:
    columns: dict[str, object] = {
        "status": end.status.value,
        "ended_at": end.at,
        "ended_version": end.version,
    }
    if end.entry is not None:
        columns |= {"captured": end.captured, "entry": end.entry}
    if end.key is not None:
        columns |= {"void_key": end.key, "void_request_hash": end.request_hash}
    return columns


def _expect_one(hold: UUID, matched: int) -> None:
    if matched != 1:
        raise BalanceGuardFailed(f"Hold {hold} was active and is not any more.")
