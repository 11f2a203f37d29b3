"""How many bytes a deposit and a transfer leave on the primary's disk and in its binary log.

`python -m deploy.stack run -- python -m tests.bench.stored`. Measured when their events are marked
as published, for that rewrites the events' rows. Prints bytes a movement.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
os.environ.setdefault("TEST_DATABASE", "test_wallet_bench_stored")
django.setup()

from django.db import connections  # noqa: E402

from events import marking  # noqa: E402
from events.models import OutboxEvent, OutboxStatus  # noqa: E402
from tests import databases  # noqa: E402
from tests.bench import spine, storage  # noqa: E402
from wallets.identity import WalletIdentity  # noqa: E402
from wallets.operations import _movement, group_commit  # noqa: E402
from wallets.operations._commands import MovementCommand  # noqa: E402

MOVEMENTS = 20_000
_TABLES = ("ledger_journalentry", "ledger_posting", "events_outboxevent")
Prepare = Callable[[list[WalletIdentity], int], list[MovementCommand]]


def lengths() -> dict[str, int]:
    """Return the bytes of rows and of secondary indexes by table, as the server counts pages."""
    found = {}
    with connections[databases.owner()].cursor() as cursor:
        cursor.execute("SET SESSION information_schema_stats_expiry = 0")
        for table in _TABLES:
            cursor.execute(f"ANALYZE TABLE {table}")
            cursor.fetchall()
            cursor.execute(
                "SELECT data_length, index_length FROM information_schema.tables"
                " WHERE table_schema = DATABASE() AND table_name = %s",
                [table],
            )
            found[f"{table} rows"], found[f"{table} indexes"] = map(int, cursor.fetchone())
    return found


def measure(
    prepare: Prepare, wallets: list[WalletIdentity], length: int, movements: int
) -> dict[str, float]:
    """Make so many movements in lists of a length and return the growth for each."""
    home = Path(os.environ["STACK_HOME"])
    before, log = lengths(), storage.sizes(home, databases.TEST_DATABASE).binary_log
    for _ in range(movements // length):
        for outcome in _movement.execute(prepare(wallets, length)):
            if outcome.error is not None:
                raise outcome.error
    written = storage.sizes(home, databases.TEST_DATABASE).binary_log
    for ids in _waiting():
        marking.mark_published(ids)
    marked = storage.sizes(home, databases.TEST_DATABASE).binary_log
    made = movements // length * length
    grown = {name: (now - before[name]) / made for name, now in lengths().items()}
    return grown | {
        "tables": sum(grown.values()),
        "binary log": (written - log) / made,
        "binary log, marking": (marked - written) / made,
    }


def _waiting() -> Iterator[list[int]]:
    rows = OutboxEvent.objects.filter(status=OutboxStatus.PENDING).order_by("id")
    while ids := list(rows.values_list("id", flat=True)[:2_000]):
        yield ids


def main() -> int:
    """Measure and print."""
    databases.make_test_database()
    wallets = spine.make_wallets()
    movements = 2_000 if "--quick" in sys.argv else MOVEMENTS
    figures = {}
    for name, prepare, length in (
        ("deposit, lists of 1", spine.deposits, 1),
        ("deposit, lists of 256", spine.deposits, 256),
        ("transfer, lists of 256", spine.transfers, 256),
    ):
        asked = movements // 10 if length == 1 else movements
        figures[name] = measure(prepare, wallets, length, asked)
        sys.stderr.write(f"{name}\n")
        for part, number in figures[name].items():
            sys.stderr.write(f"    {part:32} {number:8.0f}\n")
    group_commit.stop()
    sys.stdout.write(json.dumps({"bytes": figures}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
