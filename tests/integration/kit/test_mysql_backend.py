"""The project's MySQL backend when the server goes away between two answers."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import OperationalError, connections, transaction

from tests.people import Company
from wallet_project.kit.database import PRIMARY
from wallets.models import Client

pytestmark = pytest.mark.full_stack

_WAITING = (
    "SELECT id FROM information_schema.processlist WHERE info LIKE '%%SLEEP(20)%%' AND id <> %s"
)


def _cut_who_sleeps() -> None:
    """Cut the connection whose statement sleeps, as the end of a server does."""
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute("SELECT CONNECTION_ID()")
        (own,) = cursor.fetchone()
        deadline = time.monotonic() + 10
        found: list[tuple[int]] = []
        while not found and time.monotonic() < deadline:
            cursor.execute(_WAITING, [own])
            found = list(cursor.fetchall())
        for (id_,) in found:
            cursor.execute(f"KILL {id_}")
    connections[PRIMARY].close()


def test_a_server_lost_in_a_transactions_first_statement_is_an_error_of_the_database(
    client_acme: Company,
) -> None:
    """BEGIN was answered, the statement was not: Django closes the cursor, which fails as well."""
    cutting = threading.Thread(target=_cut_who_sleeps)
    cutting.start()
    with pytest.raises(OperationalError), transaction.atomic(using=PRIMARY):
        list(Client.objects.using(PRIMARY).extra(where=["SLEEP(20) = 0"]))
    cutting.join()
    connections[PRIMARY].close()
