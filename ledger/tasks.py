"""Work on the books that Celery beat starts. Each task is a thin door to one function."""

from __future__ import annotations

import time
from typing import Final

from celery import shared_task

from ledger import rolling
from ledger.periods import adding, closing

ROLL_UP_SECONDS: Final = 10.0
_BUDGET_SECONDS: Final = 8.0


@shared_task(ignore_result=True, expires=ROLL_UP_SECONDS, time_limit=60)
def roll_up() -> None:
    """Add what is settled to the sums over the books, for less than a tick; then finish closing
    the months that wait for it."""
    started = time.monotonic()

    def enough() -> bool:
        return time.monotonic() - started > _BUDGET_SECONDS

    rolling.roll_up(enough=enough)
    adding.add(enough=enough)
    closing.finish_due(enough=enough)
