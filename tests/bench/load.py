"""`python -m tests.bench.load --postings 1m`: fill a database with wallets that have a past.

Writes rows directly, as the owner of the tables, in the order of their keys, 5,000 movements a
transaction, which goes into the binary log and so to the replica as any other. A past that is
larger than what is there already is written without secondary indexes, which are built afterwards;
until then the tables are not for use. The database is the one of DATABASE_OWNER_URL, migrated, with
the client named by `--client`. May be run again: it adds new wallets and their past. Prints JSON
with their ids.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import MySQLdb

from tests.bench import indexes, instance
from tests.bench.history import CURRENCY, Movement, Past, Wallets, id_at, movements, opening
from tests.bench.options import number
from tests.bench.rows import EVENT, Names, Rows, sql_time
from wallets import chart

CHUNK: Final = 5_000
"""Movements a transaction, about 5 MB of SQL."""
_QUEUED: Final = 2
_SAY_SECONDS: Final = 10.0
_DAYS: Final = 365
_TABLES: Final[dict[str, set[str]]] = {
    "ledger_journalentry": set(),
    "ledger_posting": set(),
    "events_outboxevent": {"outbox_log"},  # a relay that runs meanwhile looks there
}
_WALLET: Final = (
    "INSERT INTO wallets_wallet (id, client_id, user_id, currency, status, balance, held,"
    " overdraft_limit, version, posting_sequence, last_posted_at, metadata, created_at, updated_at)"
    " VALUES "
)
_ACCOUNT: Final = (
    "INSERT INTO ledger_account (id, code, client, currency, normal_side, created_at) VALUES "
)


class Loader:
    """Writes one past into one database."""

    def __init__(self, connection: Any, client_name: str, past: Past) -> None:
        self._connection = connection
        self._past = past
        self.client = int(self._ask("SELECT id FROM wallets_client WHERE name = %s", [client_name]))
        self._made = past.start - timedelta(seconds=1)
        # Random in their lower half: another run adds wallets of its own.
        salt = int.from_bytes(os.urandom(4)) << 24
        self.ids = [id_at(self._made, salt + place) for place in range(past.wallets)]
        topic = f"{os.environ.get('KAFKA_TOPIC_PREFIX', '')}wallet.events.v1"
        names = Names(self.client, self._house_account(client_name), topic)
        events = past.wallets + 2 * past.movements
        last = int(self._ask("SELECT last_position FROM events_eventcounter"))
        self._execute(f"UPDATE events_eventcounter SET last_position = {last + events}")
        self._rows = Rows(past, names, self.ids, event=salt << 1, position=last + 1)

    def run(self) -> None:
        """Write everything; wallets last, when their balances are known."""
        self._insert(_ACCOUNT, [self._account_row(wallet) for wallet in self.ids])
        self._insert(
            EVENT,
            [
                self._rows.opening(place, self._made, opening(wallet, self._made))
                for place, wallet in enumerate(self.ids)
            ],
        )
        wallets = Wallets(self._past.wallets)
        present = int(self._ask("SELECT COALESCE(MAX(id), 0) FROM ledger_posting"))
        is_large = self._past.movements > max(present, 10 * CHUNK)
        with indexes.left_out(self._connection, _TABLES if is_large else {}):
            self._write_movements(movements(self._past, wallets))
            _say("building indexes" if is_large else "written")
        self._insert(_WALLET, self._wallet_rows(wallets))
        for table in _TABLES:
            self._execute(f"ANALYZE NO_WRITE_TO_BINLOG TABLE {table}", rows=True)

    def _write_movements(self, made: Iterator[Movement]) -> None:
        """Make rows here while another thread writes those made before."""
        chunks: queue.Queue[list[str] | None] = queue.Queue(_QUEUED)
        failures: list[BaseException] = []
        progress = Progress(2 * self._past.movements)

        def write() -> None:
            while (statements := chunks.get()) is not None:
                if failures:
                    continue
                try:
                    for statement in ("BEGIN", *statements, "COMMIT"):
                        self._execute(statement)
                except MySQLdb.Error as error:
                    failures.append(error)
                progress.add(2 * CHUNK)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            while not failures and (chunk := list(itertools.islice(made, CHUNK))):
                chunks.put(self._rows.statements(chunk))
        finally:  # nobody else may use the connection before
            chunks.put(None)
            writer.join()
        if failures:
            raise failures[0]

    def _account_row(self, wallet: UUID) -> str:
        return (
            f"(x'{wallet.hex}','{chart.wallet_code(wallet)}',{self.client},'{CURRENCY}','credit',"
            f"{_time(self._made)})"
        )

    def _wallet_rows(self, wallets: Wallets) -> list[str]:
        rows = []
        for place, wallet in enumerate(self.ids):
            postings, last = wallets.sequences[place], wallets.last[place]
            rows.append(
                f"(x'{wallet.hex}',{self.client},'bench-{place}','{CURRENCY}','ACTIVE',"
                f"{wallets.balances[place]},0,0,{postings + 1},{postings},"
                f"{'NULL' if last is None else _time(last)},'{{}}',{_time(self._made)},"
                f"{_time(last or self._made)})"
            )
        return rows

    def _house_account(self, client_name: str) -> UUID:
        code = chart.external_code(client_name, "default", CURRENCY)
        self._execute(
            "INSERT IGNORE INTO ledger_account (id, code, client, currency, normal_side,"
            f" created_at) VALUES (x'{id_at(self._past.start, 0).hex}', '{code}', {self.client},"
            f" '{CURRENCY}', 'debit', {_time(self._past.start)})"
        )
        return UUID(bytes=self._ask("SELECT id FROM ledger_account WHERE code = %s", [code]))

    def _insert(self, head: str, rows: Sequence[str]) -> None:
        for start in range(0, len(rows), CHUNK):
            self._execute(head + ",".join(rows[start : start + CHUNK]))

    def _execute(self, sql: str, *, rows: bool = False) -> None:
        self._connection.query(sql)
        if rows:
            self._connection.store_result()

    def _ask(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            found = cursor.fetchone()
        if found is None:
            raise SystemExit(f"Nothing there: {sql} {list(parameters)}")
        return found[0]


class Progress:
    """Says every few seconds how far it is."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._written = 0
        self._started = self._said = time.monotonic()

    def add(self, postings: int) -> None:
        """Count."""
        self._written = min(self._written + postings, self._total)
        moment = time.monotonic()
        if moment - self._said > _SAY_SECONDS:
            self._said = moment
            rate = self._written / (moment - self._started)
            _say(f"{self._written:,} of {self._total:,} postings, {rate:,.0f}/s")


def _time(moment: datetime) -> str:
    return f"'{sql_time(moment)}'"


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Load and print what was made."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.load", description=__doc__)
    parser.add_argument("--postings", type=number, default=1_000_000)
    parser.add_argument("--wallets", type=number, default=1_000)
    parser.add_argument("--client", default=instance.CLIENT)
    asked = parser.parse_args(arguments)
    end = datetime.now(UTC) - timedelta(minutes=1)
    start, seed = end - timedelta(days=_DAYS), int.from_bytes(os.urandom(4))
    past = Past(asked.wallets, asked.postings // 2, start, end, seed)
    connection = instance.connect(os.environ["DATABASE_OWNER_URL"])
    connection.query("SET SESSION unique_checks = 0, foreign_key_checks = 0, time_zone = '+00:00'")
    started = time.monotonic()
    loader = Loader(connection, asked.client, past)
    loader.run()
    took = time.monotonic() - started
    _say(f"{2 * past.movements:,} postings in {took:.0f} s, {2 * past.movements / took:,.0f}/s")
    made = {
        "wallets": [str(wallet) for wallet in loader.ids],
        "since": past.start.isoformat(),
        "postings": 2 * past.movements,
        "seconds": took,
    }
    sys.stdout.write(json.dumps(made) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
