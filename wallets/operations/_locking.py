"""The locks of the write path, each a function with a name, always in the order of ids."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connections, transaction

from wallet_project.kit.database import PRIMARY
from wallets import errors, queries
from wallets.models import Wallet
from wallets.operations import _holds
from wallets.policies import WalletState

_COLUMNS = (
    "id, client_id, currency, status, balance, held, overdraft_limit, version, "
    "posting_sequence, last_posted_at, next_hold_expiry"
)
_TABLE = Wallet._meta.db_table


def lock_wallets(ids: Collection[UUID]) -> tuple[dict[UUID, WalletState], datetime]:
    """Lock wallets by primary key, ascending; return their state and the primary's clock.

    Raw SQL, because the ORM has no word for `FORCE INDEX`: without it MySQL scans a small table
    and locks other people's wallets. Ids that do not exist are left out.
    """
    if not ids:
        return {}, queries.primary_clock()
    connection = connections[PRIMARY]
    marks = ", ".join(["%s"] * len(ids))
    if connection.vendor == "mysql":
        sql = (
            f"SELECT {_COLUMNS}, UTC_TIMESTAMP(6) FROM {_TABLE} FORCE INDEX (PRIMARY) "  # noqa: S608
            f"WHERE id IN ({marks}) ORDER BY id FOR UPDATE"
        )
    else:
        # SQLite has one writer: BEGIN IMMEDIATE has already locked everything.
        sql = f"SELECT {_COLUMNS}, NULL FROM {_TABLE} WHERE id IN ({marks}) ORDER BY id"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [wallet_id.bytes for wallet_id in sorted(ids)])
        rows = cursor.fetchall()
    moment = _utc(rows[0][-1]) if rows else None
    states = [_state(*row[:-1]) for row in rows]
    return {state.id: state for state in states}, moment or queries.primary_clock()


def lock_row(
    wallet_id: UUID, *, expected_version: int | None
) -> tuple[Wallet, WalletState, datetime]:
    """Lock one wallet to change something other than its balance; return it and the clock.

    :raises PreconditionFailed: if a version is expected and the wallet has another one.
    """
    states, moment = lock_wallets([wallet_id])
    # Before holds end whose time has passed: nobody could have read the version after that.
    version = states[wallet_id].version
    if expected_version not in (None, version):
        raise errors.PreconditionFailed(
            f"The wallet is at version {version}, not {expected_version}; read it again.",
            version=version,
        )
    _holds.settle(states, moment)
    row = Wallet.objects.using(PRIMARY).get(pk=wallet_id)
    return row, states[wallet_id], moment


def find_blocked(ids: Collection[Hashable]) -> Collection[Hashable]:
    """Tell which of these wallets another session holds right now.

    Asks for the free ones with SKIP LOCKED, only after a lock wait has already timed out, so the
    main path does not depend on it. Holds nothing when it returns. Wallets that are only about to
    be made are named when no other is blocked: then it was their names that somebody held.
    """
    connection = connections[PRIMARY]
    if not connection.features.has_select_for_update_skip_locked:
        return set(ids)
    wanted = sorted(wallet_id for wallet_id in ids if isinstance(wallet_id, UUID))
    marks = ", ".join(["%s"] * len(wanted))
    sql = (
        f"SELECT id FROM {_TABLE} FORCE INDEX (PRIMARY) "  # noqa: S608
        f"WHERE id IN ({marks}) ORDER BY id FOR UPDATE SKIP LOCKED"
    )
    keys = [wallet_id.bytes for wallet_id in wanted]
    with transaction.atomic(using=PRIMARY), connection.cursor() as cursor:
        cursor.execute(sql, keys)
        free = {UUID(bytes=bytes(row[0])) for row in cursor.fetchall()}
        cursor.execute(f"SELECT id FROM {_TABLE} WHERE id IN ({marks})", keys)  # noqa: S608
        made = {UUID(bytes=bytes(row[0])) for row in cursor.fetchall()}
    return (made - free) or (set(wanted) - made)


def _state(wallet_id: bytes, *columns: Any) -> WalletState:
    state = WalletState(UUID(bytes=bytes(wallet_id)), *columns)
    state.last_posted_at = _utc(state.last_posted_at)
    state.next_hold_expiry = _utc(state.next_hold_expiry)
    return state


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
