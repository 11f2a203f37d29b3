"""Which value dates are still open, and in which time zone a client's days begin."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction

from ledger.periods import zones
from ledger.periods.models import Calendar
from wallet_project.kit import audit
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import INTERACTIVE, PRIMARY, run_retrying

SUBJECT: Final = "periods.calendar"
_DAY: Final = timedelta(days=1)


def barred_through(clients: Collection[int], *, using: str = PRIMARY) -> dict[int, date]:
    """Tell up to which value date clients' books are closed, or being closed.

    For the write path, within the transaction that posts: one look-up by primary key, no lock.
    Clients that never closed a month are left out.
    """
    rows = Calendar.objects.using(using).filter(pk__in=clients, barred_through__isnull=False)
    found = rows.values_list("client", "barred_through")
    return {client: barred for client, barred in found if barred is not None}


def calendar_of(client: int) -> Calendar:
    """Return a client's calendar; one that says nothing where there is none."""
    found = Calendar.objects.using(PRIMARY).filter(pk=client).first()
    return found or Calendar(client=client)


def zone_of(client: int) -> ZoneInfo:
    """Return the time zone in which a client's days begin."""
    return zones.zone_named(calendar_of(client).time_zone)


def set_time_zone(*, client: int, name: str, by: Actor, reason: str) -> str:
    """Let a client's days begin in a time zone; return the one before.

    Movements stay as they are, also their value dates; reports by day are told by the new one.

    :raises UnknownTimeZone: if there is none of this name.
    """
    zone = zones.zone_named(name).key

    def body() -> str:
        with transaction.atomic(using=PRIMARY, durable=True):
            before = made_sure(client).time_zone
            Calendar.objects.using(PRIMARY).filter(pk=client).update(time_zone=zone)
            detail = {"before": before, "after": zone}
            audit.record(by, Act("period.set_time_zone", SUBJECT, str(client), reason, detail))
            return str(before)

    return run_retrying(body, INTERACTIVE, operation="set_time_zone")


def made_sure(client: int) -> Calendar:
    """Return a client's calendar, made at its first use, within the caller's transaction."""
    rows = Calendar.objects.using(PRIMARY)
    rows.bulk_create([Calendar(client=client)], ignore_conflicts=True)
    return rows.get(pk=client)


def month_of(day: date) -> date:
    """Return the first day of a month."""
    return day.replace(day=1)


def end_of(month: date) -> date:
    """Return the last day of a month."""
    return following(month) - _DAY


def following(month: date) -> date:
    """Return the first day of the next month."""
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)
