"""How many commands a second the spine's own SQL allows without any Python between.

Records the statements of many lists of deposits, puts the database back to the moment before, and
has the driver send the same statements again, one after another. The difference to the spine is
what Python costs; nothing that still goes through this database can be faster.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.db import connections  # noqa: E402

from tests import databases  # noqa: E402
from tests.bench import instance  # noqa: E402
from tests.bench.spine import deposits, make_wallets  # noqa: E402
from wallet_project.kit.database import PRIMARY  # noqa: E402
from wallets import verification  # noqa: E402
from wallets.identity import WalletIdentity  # noqa: E402
from wallets.operations import _movement, group_commit  # noqa: E402

COMMANDS: Final = {1: 600, 32: 6_400, 256: 25_600}
"""How many are recorded for each length of list."""
_KEPT: Final = (
    *("wallets_wallet", "ledger_account", "ledger_journalentry", "ledger_posting"),
    *("wallets_refusal", "events_outboxevent"),
)
_RUNS: Final = 3


def record(wallets: list[WalletIdentity], length: int, lists: int) -> list[list[bytes]]:
    """Execute lists of deposits and return the statements of each."""
    seen: list[bytes] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        seen.append(bytes(context["cursor"].cursor._executed))  # as the driver sent it
        return result

    found = []
    with connections[PRIMARY].execute_wrapper(note):
        for _ in range(lists):
            seen.clear()
            commands = deposits(wallets, length)
            outcomes = _movement.execute(commands)
            if any(outcome.error for outcome in outcomes):
                raise RuntimeError("A deposit failed while it was recorded.")
            found.append(list(seen))
    return found


def keep(cursor: Any) -> None:
    """Copy the tables that a deposit changes."""
    for table in _KEPT:
        cursor.execute(f"DROP TABLE IF EXISTS kept_{table}")
        cursor.execute(f"CREATE TABLE kept_{table} LIKE {table}")
        cursor.execute(f"INSERT INTO kept_{table} SELECT * FROM {table}")


def put_back(cursor: Any) -> None:
    """Make the tables what they were when they were kept."""
    cursor.execute("SET foreign_key_checks = 0")
    for table in _KEPT:
        cursor.execute(f"TRUNCATE {table}")
        cursor.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}")
    cursor.execute("SET foreign_key_checks = 1")


def replay(lists: list[list[bytes]]) -> float:
    """Send the statements again, a transaction for each list; return lists a second."""
    connection = instance.connect(os.environ["DATABASE_URL"])
    connection.query("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    connection.query("SET time_zone = '+00:00'")
    started = time.perf_counter()
    for statements in lists:
        connection.query("BEGIN")
        for statement in statements:
            connection.query(statement)
            while True:  # what travels together is answered one by one
                result = connection.store_result()
                if result is not None:
                    result.fetch_row(0)
                if connection.next_result() != 0:
                    break
        connection.query("COMMIT")
    took = time.perf_counter() - started
    connection.close()
    return len(lists) / took


def main() -> int:
    """Record, replay, prove the books, print."""
    quick = "--quick" in sys.argv
    databases.make_test_database()
    wallets = make_wallets()
    figures = {}
    is_sound = True
    for length, commands in COMMANDS.items():
        lists = max(1, commands // length // (10 if quick else 1))
        with connections[databases.owner()].cursor() as cursor:
            keep(cursor)
            recorded = record(wallets, length, lists)
            rates = []
            for _ in range(1 if quick else _RUNS):
                put_back(cursor)
                rates.append(replay(recorded) * length)
            # What was replayed must be books again, or it was not the same work.
            is_sound = is_sound and verification.verify().is_sound
            for table in _KEPT:
                cursor.execute(f"DROP TABLE kept_{table}")
        name = f"the spine's SQL alone, lists of {length}"
        figures[name] = statistics.median(rates)
        sys.stderr.write(f"{name:40} {figures[name]:8.0f} a second\n")
    group_commit.stop()
    sys.stdout.write(json.dumps({"perSecond": figures, "isSound": is_sound}) + "\n")
    return 0 if is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
