"""End holds whose time has passed.

Nothing depends on this being in time: every list and every read looks at the clock itself. It tells
the events, and keeps wallets that nobody touches from being looked at again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final
from uuid import UUID

from django.db import transaction

from wallet_project.kit import database
from wallet_project.kit.database import PRIMARY
from wallets import balance_cache, queries
from wallets.balance_cache import CachedBalance
from wallets.operations import _holds, _locking

WALLETS_A_TRANSACTION: Final = 50


def expire_holds(
    *, batch_size: int = WALLETS_A_TRANSACTION, progress: Callable[[int], None] | None = None
) -> int:
    """End all holds that have expired by now, some wallets at a time; return how many.

    :raises django.db.Error: beyond what retrying heals; what was ended before stays ended.
    """
    moment = queries.primary_clock()
    ended = 0
    while batch := _holds.due(moment, limit=batch_size):
        ended += _expire_on(batch)
        if progress is not None:
            progress(ended)
    return ended


def count_expired() -> int:
    """Count the holds that have expired by now and are not ended yet."""
    return _holds.count_expired(queries.primary_clock())


def _expire_on(wallets: Collection[UUID]) -> int:
    def body() -> tuple[int, list[CachedBalance]]:
        with transaction.atomic(using=PRIMARY, durable=True):
            states, moment = _locking.lock_wallets(wallets)
            drafts = _holds.settle(states, moment)
        return len(drafts.ended), list(drafts.balances(states).values())

    ended, balances = database.run_retrying(body, database.INTERACTIVE, operation="expire_holds")
    balance_cache.put(balances)
    return ended
