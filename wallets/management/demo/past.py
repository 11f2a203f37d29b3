"""Tells the database, for one connection, that it is some moment of the past."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connections

from wallet_project.kit import clock
from wallet_project.kit.database import PRIMARY


@contextmanager
def told_at(moment: datetime) -> Iterator[None]:
    """Let what this thread writes be stamped with a moment.

    The write path asks MySQL for the time, and MySQL lets a session say what it is; elsewhere the
    application's own clock is the one that stamps.
    """
    connection = connections[PRIMARY]
    if connection.vendor != "mysql":
        with clock.standing_at(moment):
            yield
        return
    with connection.cursor() as cursor:
        # Digits, because the server takes no float for the microseconds it is to tell.
        cursor.execute(f"SET SESSION timestamp = {moment.timestamp():.6f}")
    try:
        with clock.standing_at(moment):
            yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION timestamp = DEFAULT")
