"""Apply accepted operations that nobody was told of: no message may decide whether money moves."""

from __future__ import annotations

import logging
import time
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import Error

from wallet_project.kit.database import PRIMARY, is_transient
from wallet_project.kit.errors import Unavailable
from wallets.models import Operation, OperationStatus
from wallets.operations.apply_operations import apply_through

logger = logging.getLogger(__name__)

ROWS_A_LOOK: Final = 1_000
BUDGET_SECONDS: Final = 20.0


def recover_operations(*, accepted_before: datetime) -> int:
    """Apply what still waits of the operations accepted before a moment; return how many.

    Their messages may be lost, be dead letters, or wait for Kafka or a worker: it does not matter,
    for a worker who is told later finds them done. Wallets that cannot be worked on are left for
    the next time, and so is what time does not allow for.

    :raises django.db.Error: if the database is away.
    """
    started = time.monotonic()
    after = done = 0
    while time.monotonic() - started < BUDGET_SECONDS:
        rows = Operation.objects.using(PRIMARY).filter(
            status=OperationStatus.PENDING, created_at__lt=accepted_before, id__gt=after
        )
        overdue = list(rows.order_by("id").values_list("wallet", "id")[:ROWS_A_LOOK])
        for wallet, number in dict(overdue).items():
            done += _recover(wallet, number)
        if len(overdue) < ROWS_A_LOOK:
            break
        after = overdue[-1][1]
    return done


def _recover(wallet: UUID, number: int) -> int:
    try:
        return apply_through({wallet: number})
    except Unavailable:
        return 0
    except Error as error:
        if is_transient(error):
            raise
        # Whatever is wrong with this wallet's operations, others must not wait behind them.
        logger.exception("operations.wallet_stuck", extra={"wallet": str(wallet)})
        return 0
