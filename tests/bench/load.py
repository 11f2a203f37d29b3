"""`python -m tests.bench.load --postings 1m`: fill a database with wallets that have a past.

Writes rows directly, as the owner of the tables, in the order of their keys, a thousand movements a
transaction. The database is the one of DATABASE_OWNER_URL, migrated, with the client named by
`--client`. May be run again: it adds new wallets and their past. Prints JSON with their ids.
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
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import MySQLdb

from tests.bench import instance
from tests.bench.history import (
    CURRENCY,
    Movement,
    Past,
    Wallets,
    facts,
    id_at,
    movements,
    opening,
)
from tests.bench.options import number
from wallets import chart

CHUNK: Final = 1_000
SHARDS: Final = 16
_QUEUED: Final = 4
_DAYS: Final = 365
_ENTRY: Final = (
    "INSERT INTO ledger_journalentry (id, kind, idempotency_key, request_hash, client, actor,"
    " reference, channel, posted_at, value_date) VALUES "
)
_POSTING: Final = (
    "INSERT INTO ledger_posting (entry_id, account_id, amount, balance_after, sequence, version,"
    " posted_at) VALUES "
)
_EVENT: Final = (
    "INSERT INTO events_outboxevent (event_id, shard, client, entry, topic, stream, sequence, type,"
    " payload, occurred_at, status, attempts, position, published_at) VALUES "
)
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
        self._topic = f"{os.environ.get('KAFKA_TOPIC_PREFIX', '')}wallet.events.v1"
        self.client = int(self._ask("SELECT id FROM wallets_client WHERE name = %s", [client_name]))
        self._house = self._house_account(client_name)
        made = past.start - timedelta(seconds=1)
        self._made = made
        # Random in their lower half: another run adds wallets of its own.
        salt = int.from_bytes(os.urandom(4)) << 24
        self.ids = [id_at(made, salt + place) for place in range(past.wallets)]
        self._event_number = itertools.count(salt << 1)
        self._positions: Iterator[int] = iter(())

    def run(self) -> None:
        """Write everything; wallets last, when their balances are known."""
        events = self._past.wallets + 2 * self._past.movements
        last = int(self._ask("SELECT last_position FROM events_eventcounter"))
        self._execute(f"UPDATE events_eventcounter SET last_position = {last + events}")
        self._positions = itertools.count(last + 1)
        self._insert(_ACCOUNT, [self._account_row(wallet) for wallet in self.ids])
        self._insert(_EVENT, [self._opening_row(wallet) for wallet in self.ids])
        wallets = Wallets(self._past.wallets)
        self._write_movements(movements(self._past, wallets))
        self._insert(_WALLET, self._wallet_rows(wallets))
        for table in ("ledger_journalentry", "ledger_posting", "events_outboxevent"):
            self._execute(f"ANALYZE NO_WRITE_TO_BINLOG TABLE {table}", rows=True)

    def _write_movements(self, made: Iterator[Movement]) -> None:
        """Make rows here while another thread writes those made before."""
        chunks: queue.Queue[list[str] | None] = queue.Queue(_QUEUED)
        failures: list[BaseException] = []

        def write() -> None:
            written, started = 0, time.monotonic()
            while (statements := chunks.get()) is not None:
                if failures:
                    continue
                try:
                    self._execute("BEGIN")
                    for statement in statements:
                        self._execute(statement)
                    self._execute("COMMIT")
                except MySQLdb.Error as error:
                    failures.append(error)
                written += CHUNK
                if written % 50_000 == 0:
                    rate = 2 * written / (time.monotonic() - started)
                    _say(f"{2 * written:,} of {2 * self._past.movements:,} postings, {rate:,.0f}/s")

        writer = threading.Thread(target=write)
        writer.start()
        while chunk := list(itertools.islice(made, CHUNK)):
            chunks.put(self._statements(chunk))
        chunks.put(None)
        writer.join()
        if failures:
            raise failures[0]

    def _statements(self, chunk: Sequence[Movement]) -> list[str]:
        entries, postings, events = [], [], []
        for movement in chunk:
            at = _time(movement.moment)
            id_ = movement.id.hex
            entries.append(
                f"(x'{id_}','{movement.kind}',x'{self._past.key(movement.number).hex()}',"
                f"x'{'00' * 32}',{self.client},'command:bench','','default',{at},'{at[1:11]}')"
            )
            for leg in movement.legs:
                postings.append(
                    f"(x'{id_}',x'{self.ids[leg.wallet].hex}',{leg.amount},{leg.balance},"
                    f"{leg.sequence},{leg.version},{at})"
                )
            if movement.house_amount:
                postings.append(
                    f"(x'{id_}',x'{self._house.hex}',{movement.house_amount},NULL,NULL,NULL,{at})"
                )
            for type_, leg, payload in facts(movement, self.ids):
                wallet = self.ids[leg.wallet]
                events.append(
                    self._event(movement.moment, at, wallet, leg.version, type_, payload, id_)
                )
        return [
            head + ",".join(rows)
            for head, rows in ((_ENTRY, entries), (_POSTING, postings), (_EVENT, events))
        ]

    def _event(
        self,
        moment: datetime,
        at: str,
        stream: UUID,
        sequence: int,
        type_: str,
        payload: bytes,
        entry: str | None,
    ) -> str:
        id_, shard = id_at(moment, next(self._event_number)), zlib.crc32(stream.bytes) % SHARDS
        told_of = "NULL" if entry is None else f"x'{entry}'"
        return (
            f"(x'{id_.hex}',{shard},{self.client},{told_of},'{self._topic}',x'{stream.hex}',"
            f"{sequence},'{type_}',x'{payload.hex()}',{at},1,1,{next(self._positions)},{at})"
        )

    def _account_row(self, wallet: UUID) -> str:
        return (
            f"(x'{wallet.hex}','{chart.wallet_code(wallet)}',{self.client},'{CURRENCY}','credit',"
            f"{_time(self._made)})"
        )

    def _opening_row(self, wallet: UUID) -> str:
        payload = opening(wallet, self._made)
        at, type_ = _time(self._made), "wallet.created.v1"
        return self._event(self._made, at, wallet, 1, type_, payload, None)

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


def _time(moment: datetime) -> str:
    return f"'{moment.replace(tzinfo=None).isoformat(sep=' ', timespec='microseconds')}'"


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
