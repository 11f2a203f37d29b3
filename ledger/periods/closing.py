"""Closes a client's month, in two steps, and opens it again.

`begin` bars the month: from its commit on, every transaction that posts finds its value dates
refused. `finish` waits until no transaction is left that began before, then freezes what the month
came to. Nobody waits for a lock, and no row is written by those who post: see
`docs/decisions/0018-closing-by-waiting.md`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.db import connections, transaction

from ledger import rolling
from ledger.periods import adding, calendars, figures, proving, zones
from ledger.periods.calendars import SUBJECT, end_of, following, month_of
from ledger.periods.errors import (
    PeriodNotClosing,
    PeriodNotOver,
    PeriodNotProven,
    PeriodNotSettled,
    PeriodOutOfOrder,
)
from ledger.periods.figures import Figure
from ledger.periods.models import Calendar, Close, ClosingFigure
from ledger.settled import SETTLE_SECONDS, end_of_books
from wallet_project.kit import audit, clock
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import INTERACTIVE, PRIMARY, run_retrying
from wallet_project.kit.errors import DomainError
from wallet_project.kit.heartbeat import UtcNow, primary_clock

GRACE: Final = timedelta(hours=1)
"""How long a month has to be over: more than clocks of two primaries ever lie apart."""
_TWICE: Final = timedelta(seconds=2 * SETTLE_SECONDS)

logger = logging.getLogger(__name__)


class _Barriers:
    """When this process first saw months barred, by its own clock, which nobody sets."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, datetime], float] = {}
        self._lock = threading.Lock()

    def age_seconds(self, client: int, since: datetime) -> float:
        """Tell how long this process has known of a barrier."""
        with self._lock:
            return time.monotonic() - self._seen.setdefault((client, since), time.monotonic())

    def forget(self) -> None:
        """Forget everything, for tests that empty the database."""
        with self._lock:
            self._seen.clear()


barriers = _Barriers()


def begin(*, client: int, month: date, by: Actor, reason: str) -> None:
    """Bar a month: its value dates, and all before, are refused from now on.

    Repeating it for the month that is being closed changes nothing.

    :raises PeriodNotOver: if the month is not over everywhere.
    :raises PeriodOutOfOrder: if it is closed, or another month is to be closed first.
    """

    def body() -> None:
        with transaction.atomic(using=PRIMARY, durable=True):
            row = calendars.made_sure(client)
            if row.closing_since is not None and row.barred_through == end_of(month):
                return
            _check_turn(row, month)
            _check_over(row, month)
            rows = Calendar.objects.using(PRIMARY).filter(
                pk=client, closed_through=row.closed_through, closing_since=None
            )
            on_mysql = connections[PRIMARY].vendor == "mysql"
            barred = rows.update(
                barred_through=end_of(month),
                closing_since=UtcNow() if on_mysql else clock.now(),
                closing_upto=None,
                closing_by=by.id,
                closing_reason=reason[: audit.REASON_LENGTH_MAX],
                trouble="",
            )
            if not barred:
                raise PeriodOutOfOrder("Somebody else has just begun to close a month; look again.")
            detail = {"month": f"{month:%Y-%m}"}
            audit.record(by, Act("period.bar", SUBJECT, str(client), reason, detail))

    run_retrying(body, INTERACTIVE, operation="close_period")


def check(*, client: int, month: date) -> None:
    """Tell whether a month could be barred now; changes nothing.

    :raises PeriodNotOver, PeriodOutOfOrder: as `begin`.
    """
    row = calendars.calendar_of(client)
    _check_turn(row, month)
    _check_over(row, month)


def finish(
    client: int,
    *,
    enough: Callable[[], bool] = lambda: False,
    is_settled: Callable[[Calendar], bool] | None = None,
) -> Close:
    """Freeze the month that is being closed, if nothing can reach it any more and it proves.

    Safe to repeat and to kill: until the close is written, the month stays barred.

    :raises PeriodNotClosing: if none is being closed.
    :raises PeriodNotSettled: if it is too early; try again in some seconds.
    :raises PeriodNotProven: with what is wrong; the month stays barred.
    """
    row = _settle(client, is_settled or _is_settled)
    rolling.roll_up(enough=enough)
    adding.add(enough=enough)
    if adding.upto() < (row.closing_upto or 0):
        raise PeriodNotSettled("Sums over the books are still being made; it is tried again.")
    month = month_of(row.barred_through or date.min)
    found = figures.of_month(client, month)
    wrong = proving.findings(client, found)
    if wrong:
        trouble = "; ".join(wrong)
        rows = Calendar.objects.using(PRIMARY).filter(pk=client, closing_since=row.closing_since)
        rows.update(trouble=trouble[: audit.REASON_LENGTH_MAX])
        raise PeriodNotProven(f"{month:%Y-%m} cannot be closed: {trouble}.")
    return run_retrying(lambda: _freeze(row, month, found), INTERACTIVE, operation="close_period")


def finish_due(*, enough: Callable[[], bool] = lambda: False) -> int:
    """Finish what is being closed, of all clients, as far as it can be; return how many were."""
    waiting = Calendar.objects.using(PRIMARY).filter(closing_since__isnull=False)
    done = 0
    for client in list(waiting.values_list("client", flat=True)):
        if enough():
            break
        try:
            finish(client, enough=enough)
        except DomainError as error:
            logger.info(
                "periods.waiting", extra={"client": client, "code": error.code, "why": error.detail}
            )
        else:
            done += 1
    return done


def give_up(*, client: int, by: Actor, reason: str) -> None:
    """Let value dates in again that were barred by a close which is not finished.

    :raises PeriodNotClosing: if none is being closed.
    """

    def body() -> None:
        with transaction.atomic(using=PRIMARY, durable=True):
            row = calendars.calendar_of(client)
            rows = Calendar.objects.using(PRIMARY).filter(
                pk=client, closing_since=row.closing_since, closing_since__isnull=False
            )
            lifted = rows.update(barred_through=row.closed_through, **_NOT_CLOSING)
            if not lifted or row.barred_through is None:
                raise PeriodNotClosing("No month of the client is being closed.")
            detail = {"month": f"{row.barred_through:%Y-%m}"}
            audit.record(by, Act("period.give_up", SUBJECT, str(client), reason, detail))

    run_retrying(body, INTERACTIVE, operation="close_period")


def closes_of(client: int) -> list[Close]:
    """List the closes of a client, newest month first, newest version first."""
    rows = Close.objects.using(PRIMARY).filter(client=client)
    return list(rows.order_by("-month", "-version"))


_NOT_CLOSING: Final[dict[str, Any]] = {
    "closing_since": None,
    "closing_upto": None,
    "closing_by": "",
    "closing_reason": "",
    "trouble": "",
}


def _check_turn(row: Calendar, month: date) -> None:
    if row.closing_since is not None and row.barred_through is not None:
        raise PeriodOutOfOrder(f"{row.barred_through:%Y-%m} is being closed; wait for it.")
    if row.closed_through is None:
        return
    if end_of(month) <= row.closed_through:
        raise PeriodOutOfOrder(f"{month:%Y-%m} is closed; closed through {row.closed_through}.")
    turn = following(row.closed_through)
    if month != turn:
        raise PeriodOutOfOrder(f"{turn:%Y-%m} is to be closed before {month:%Y-%m}.")


def _check_over(row: Calendar, month: date) -> None:
    over = following(month)
    midnight = datetime(over.year, over.month, 1, tzinfo=UTC)
    earliest = max(midnight, zones.start_of(over, zones.zone_named(row.time_zone))) + GRACE
    if primary_clock() < earliest:
        raise PeriodNotOver(
            f"{month:%Y-%m} can be closed from {clock.rfc3339(earliest)} on.",
            earliest=clock.rfc3339(earliest),
        )


def _settle(client: int, is_settled: Callable[[Calendar], bool]) -> Calendar:
    """Note up to which posting the month can reach, once nobody is left who began before."""
    row = calendars.calendar_of(client)
    if row.closing_since is None:
        raise PeriodNotClosing("No month of the client is being closed.")
    if row.closing_upto is None:
        if not is_settled(row):
            raise PeriodNotSettled(
                "Movements that began before may still be on their way, for a minute or two."
            )
        rows = Calendar.objects.using(PRIMARY).filter(
            pk=client, closing_since=row.closing_since, closing_upto=None
        )
        rows.update(closing_upto=end_of_books())
        row = calendars.calendar_of(client)
    return row


def _is_settled(row: Calendar) -> bool:
    """Tell whether every transaction is over that began before the month was barred.

    A minute by the clock of a process that has known it so long, or two by the database's.
    """
    if connections[PRIMARY].vendor == "sqlite":
        # One writer at a time: who began before has ended.
        return True
    since = row.closing_since or datetime.max.replace(tzinfo=UTC)
    if barriers.age_seconds(row.client, since) >= SETTLE_SECONDS:
        return True
    return primary_clock() - since >= _TWICE


def _freeze(row: Calendar, month: date, found: list[Figure]) -> Close:
    with transaction.atomic(using=PRIMARY, durable=True):
        rows = Calendar.objects.using(PRIMARY).filter(
            pk=row.client, closing_since=row.closing_since, barred_through=row.barred_through
        )
        # First, so that of two who finish one waits here and then finds it done.
        if not rows.update(closed_through=row.barred_through, **_NOT_CLOSING):
            raise PeriodNotClosing(f"{month:%Y-%m} was closed, or given up, meanwhile.")
        before = Close.objects.using(PRIMARY).filter(client=row.client).order_by("-pk").first()
        versions = Close.objects.using(PRIMARY).filter(client=row.client, month=month)
        version = versions.count() + 1
        previous = None if before is None else bytes(before.figures_hash)
        close = Close(
            client=row.client,
            month=month,
            version=version,
            upto=row.closing_upto or 0,
            postings=sum(one.postings for one in found),
            figures_hash=figures.digest(row.client, month, version, found, previous),
            previous_hash=previous,
            closed_at=clock.now(),
            actor=row.closing_by,
            reason=row.closing_reason,
        )
        close.save(using=PRIMARY)
        ClosingFigure.objects.using(PRIMARY).bulk_create([_figure_row(close, one) for one in found])
        detail = {"month": f"{month:%Y-%m}", "version": version, "hash": close.figures_hash.hex()}
        by = Actor(row.closing_by)
        act = Act("period.close", SUBJECT, str(row.client), row.closing_reason, detail)
        audit.record(by, act)
        return close


def _figure_row(close: Close, one: Figure) -> ClosingFigure:
    return ClosingFigure(
        close=close,
        currency=one.currency,
        account_class=one.account_class,
        opening=one.opening,
        debits=one.debits,
        credits=one.credits,
        closing=one.closing,
        postings=one.postings,
    )
