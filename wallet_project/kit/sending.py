"""Rows for which something is sent outside: after the transaction that wrote them, with retries.

A row is claimed by moving its next try into the future, guarded by the number of tries it had. So
two senders never work on one row, and a sender that dies only delays it. What was sent and not
noted is sent again: at least once, never lost.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, TypeVar

from django.db import models

from wallet_project.kit.clock import now
from wallet_project.kit.database import PRIMARY

logger = logging.getLogger(__name__)

ATTEMPTS_MAX: Final = 12
"""The last comes about twelve hours after the first."""
FIRST_DELAY: Final = timedelta(seconds=30)
LONGEST_DELAY: Final = timedelta(hours=2)
CHUNK: Final = 100


class NotSent(Exception):
    """What was to be sent was not taken; it is tried again later."""


class NeverSent(Exception):
    """What was to be sent can never be; nobody tries again."""


class ToBeSent(models.Model):
    """Base of such rows."""

    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, db_index=True)
    """NULL: nothing is to be sent, because it was sent, was given up, or never was to be."""
    sent_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=255, default="")

    class Meta:
        abstract = True


Row = TypeVar("Row", bound=ToBeSent)


def send_due(model: type[Row], send: Callable[[Row], None], *, budget_seconds: float) -> int:
    """Send for every row that is due, the longest due first; return for how many it went out.

    Starts nothing new after `budget_seconds`. `send` raises `NotSent` or `NeverSent`.
    """
    started = time.monotonic()
    sent = 0
    due = model._default_manager.using(PRIMARY).filter(next_attempt_at__lte=now())
    for row in due.order_by("next_attempt_at")[:CHUNK]:
        if time.monotonic() - started > budget_seconds:
            break
        if _claim(row):
            sent += _send(row, send)
    return sent


def delay_after(attempts: int) -> timedelta:
    """Tell how long to wait after so many tries: 30 s, doubled each time, two hours at most."""
    doubled: timedelta = FIRST_DELAY * (1 << min(attempts - 1, 16))
    return min(doubled, LONGEST_DELAY)


def _claim(row: ToBeSent) -> bool:
    tries = row.attempts + 1
    return _change(row, attempts=tries, next_attempt_at=now() + delay_after(tries))


def _send(row: Row, send: Callable[[Row], None]) -> bool:
    try:
        send(row)
    except NeverSent as error:
        _change(row, next_attempt_at=None, last_error=str(error)[:255])
        return False
    except NotSent as error:
        _try_later(row, str(error)[:255])
        return False
    return _change(row, next_attempt_at=None, sent_at=now(), last_error="")


def _try_later(row: ToBeSent, reason: str) -> None:
    """Leave the row to its next try, if it has one."""
    values: dict[str, str | None] = {"last_error": reason}
    if row.attempts >= ATTEMPTS_MAX:
        values["next_attempt_at"] = None
        logger.error("sending.given_up", extra={"row": str(row), "reason": reason})
    _change(row, **values)


def _change(row: ToBeSent, **values: datetime | int | str | None) -> bool:
    """Write values if nobody else has claimed the row since it was read."""
    rows = type(row)._default_manager.using(PRIMARY)
    mine = rows.filter(pk=row.pk, attempts=row.attempts, next_attempt_at__isnull=False)
    if not mine.update(**values):
        return False
    for name, value in values.items():
        setattr(row, name, value)
    return True
