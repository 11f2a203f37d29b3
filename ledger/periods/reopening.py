"""Opens a closed month again. Who asks and who allows are two people; the close stays on record."""

from __future__ import annotations

from datetime import date

from ledger.periods import calendars
from ledger.periods.calendars import SUBJECT, end_of
from ledger.periods.errors import PeriodNotClosed, PeriodOutOfOrder
from ledger.periods.models import Calendar, Close, Reopening
from wallet_project.kit import audit, clock
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import PRIMARY


def close_in_force(client: int, month: date) -> Close:
    """Return the close of a month that can be opened again.

    :raises PeriodNotClosed: if it is not closed.
    :raises PeriodOutOfOrder: if a later one is, or one is being closed.
    """
    row = calendars.calendar_of(client)
    if row.closed_through is None or row.closed_through < end_of(month):
        raise PeriodNotClosed(f"{month:%Y-%m} is not closed.")
    if row.closing_since is not None and row.barred_through is not None:
        raise PeriodOutOfOrder(f"{row.barred_through:%Y-%m} is being closed; give that up first.")
    if row.closed_through != end_of(month):
        last = row.closed_through
        raise PeriodOutOfOrder(f"{last:%Y-%m} has to be opened before {month:%Y-%m}.")
    rows = Close.objects.using(PRIMARY).filter(client=client, month=month)
    found: Close | None = rows.order_by("-version").first()
    if found is None:
        raise PeriodNotClosed(f"{month:%Y-%m} was closed together with a later month.")
    return found


def last_close(client: int) -> Close:
    """Return the close of the last closed month of a client.

    :raises PeriodNotClosed: if none is closed.
    :raises PeriodOutOfOrder: if one is being closed.
    """
    row = calendars.calendar_of(client)
    if row.closed_through is None:
        raise PeriodNotClosed("No month of the client is closed.")
    return close_in_force(client, calendars.month_of(row.closed_through))


def find(number: int) -> Close:
    """Return a close, in force or not.

    :raises PeriodNotClosed: if there is none of this number.
    """
    found: Close | None = Close.objects.using(PRIMARY).filter(pk=number).first()
    if found is None:
        raise PeriodNotClosed("There is no such close.")
    return found


def check(number: int) -> Close:
    """Return a close whose month can be opened again now.

    :raises PeriodNotClosed: if it is not in force any more.
    :raises PeriodOutOfOrder: if a later month is closed, or being closed.
    """
    close = find(number)
    if close_in_force(close.client, close.month).pk != close.pk:
        raise PeriodNotClosed(f"{close.month:%Y-%m} was opened again and closed anew meanwhile.")
    return close


def reopen_within(*, close: Close, by: Actor, asked_by: str, reason: str) -> None:
    """Open a month again, in the caller's transaction, at the word of a second person.

    :raises PeriodNotClosed: if this close is not in force any more.
    :raises PeriodOutOfOrder: if a later month is closed, or being closed.
    """
    check(close.pk)
    before = _before(close)
    rows = Calendar.objects.using(PRIMARY).filter(
        pk=close.client, closed_through=end_of(close.month), closing_since=None
    )
    if not rows.update(closed_through=before, barred_through=before):
        raise PeriodNotClosed(f"{close.month:%Y-%m} was opened or another closed meanwhile.")
    Reopening(
        close=close, reopened_at=clock.now(), actor=asked_by, approved_by=by.id, reason=reason
    ).save(using=PRIMARY)
    detail = {"month": f"{close.month:%Y-%m}", "version": close.version, "asked_by": asked_by}
    audit.record(by, Act("period.reopen", SUBJECT, str(close.client), reason, detail))


def _before(close: Close) -> date | None:
    """Tell up to where the books stay closed: the month before, if a close of it is in force."""
    rows = Close.objects.using(PRIMARY).filter(client=close.client, month__lt=close.month)
    rows = rows.filter(reopening__isnull=True)
    earlier = rows.order_by("-month").values_list("month", flat=True).first()
    return None if earlier is None else end_of(earlier)
