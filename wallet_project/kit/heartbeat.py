"""Tells how old a replica is: a row that is written on the primary each second.

Whoever reads the row on a replica, in one snapshot with the data, knows that everything which was
committed before that moment is there. Replication's own figures say less: a replica that has lost
its primary believes itself up to date.
"""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from typing import Final

from django.db import Error, close_old_connections, connections
from django.db.models import DateTimeField, Func, Subquery

from wallet_project.kit.clock import now
from wallet_project.kit.database import PRIMARY, REPLICA, heals
from wallet_project.kit.models import Heartbeat

logger = logging.getLogger(__name__)

EVERY_SECONDS: Final = 1.0
_ROW: Final = 1


class UtcNow(Func):
    """The database's own clock, with microseconds."""

    template = "UTC_TIMESTAMP(6)"
    output_field = DateTimeField()


def primary_clock() -> datetime:
    """Read the primary's clock, the one that stamps postings."""
    connection = connections[PRIMARY]
    if connection.vendor != "mysql":
        return now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT UTC_TIMESTAMP(6)")
        moment: datetime = cursor.fetchone()[0]
    return moment.replace(tzinfo=UTC)


def beat() -> None:
    """Write the moment down, if there is a replica that could be asked for it."""
    if REPLICA not in connections.databases:
        return
    rows = Heartbeat.objects.using(PRIMARY)
    clock = UtcNow() if connections[PRIMARY].vendor == "mysql" else now()
    if not rows.filter(pk=_ROW).update(beat_at=clock):
        rows.bulk_create([Heartbeat(_ROW, now())], ignore_conflicts=True)


def seen() -> Subquery:
    """Make the expression that adds the heartbeat to a row read in the same statement."""
    return Subquery(Heartbeat.objects.filter(pk=_ROW).values("beat_at")[:1])


def start(stop: threading.Event) -> threading.Thread:
    """Beat each second until `stop` is set, in a thread: other work of the process may hang."""
    thread = threading.Thread(target=_beat_until, args=(stop,), name="heartbeat", daemon=True)
    thread.start()
    return thread


def _beat_until(stop: threading.Event) -> None:
    is_well = True
    while not stop.is_set():
        close_old_connections()
        try:
            beat()
        except Error as error:
            if not heals(error):
                raise
            if is_well:
                logger.warning("heartbeat.missed", extra={"reason": str(error)})
            is_well = False
        else:
            is_well = True
        stop.wait(EVERY_SECONDS)
    connections[PRIMARY].close()
