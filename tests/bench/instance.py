"""This service, started as in production on a database, topics and ports of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import MySQLdb

from tests.bench.messages import Address
from tests.embedded import starting

REPOSITORY: Final = Path(__file__).resolve().parents[2]
CLIENT: Final = "bench"
SETTLE_SECONDS: Final = 60.0
_URLS: Final = (
    *("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_REPLICA_URL"),
    *("DATABASE_ERASER_URL", "DATABASE_REAPER_URL", "DATABASE_READONLY_URL"),
)
_STOP_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Instance:
    """A running service and what its processes were started with."""

    name: str
    database: str
    address: Address
    environment: Mapping[str, str]
    home: Path
    start_seconds: float
    """From the command to the greeting, migrations and first start included."""

    @property
    def marks(self) -> list[str]:
        """Return what its processes have in their environment, and its stores in their command."""
        return [f"WALLET_HOME={self.home}", f"{self.environment['STACK_HOME']}/parts/"]

    def manage(self, *words: str, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run a command of manage.py on this instance's database."""
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=REPOSITORY,
            env={**self.environment, "SECRET_KEY": "x" * 40, **extra},
            capture_output=True,
            text=True,
            check=False,
        )

    def verify(self) -> str:
        """Prove the books; return what is wrong, or nothing."""
        done = self.manage("verify_ledger", "--json", "--batch-size", "100")
        if done.returncode == 0:
            return ""
        try:
            findings: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
        except (ValueError, KeyError):
            return f"verify_ledger could not look: {(done.stdout + done.stderr).strip()[-300:]}"
        first = findings[0]
        return (
            f"{len(findings)} findings, the first: {first['invariant']} {first['subject']}:"
            f" {first['detail']}"
        )

    def settle(self, limit_seconds: float = SETTLE_SECONDS) -> float:
        """Wait until every event has left and the replica has every row; return the seconds.

        What a load leaves to be done afterwards is part of its cost, and none of the next one's.
        """
        started = time.monotonic()
        while time.monotonic() - started < limit_seconds:
            pending = self._number(
                "SELECT COUNT(*) FROM events_outboxevent WHERE position IS NULL AND status = 0"
            )
            if not pending and self._replica_is_level():
                return time.monotonic() - started
            time.sleep(0.05)
        return limit_seconds

    def recorded(self) -> int:
        """Count what the books and the wallets have: entries, refusals, wallets."""
        tables = ("ledger_journalentry", "wallets_refusal", "wallets_wallet")
        return self._number(
            "SELECT " + " + ".join(f"(SELECT COUNT(*) FROM {table})" for table in tables)
        )

    def setting(self, name: str) -> str:
        """Return a variable of the primary."""
        rows = query(self.environment["DATABASE_URL"], f"SHOW VARIABLES LIKE '{name}'")
        return str(rows[0][1]) if rows else ""

    def _number(self, sql: str, url: str = "DATABASE_URL") -> int:
        return int(query(self.environment[url], sql)[0][0])

    def _replica_is_level(self) -> bool:
        newest = "SELECT COALESCE(MAX(id), 0) FROM events_outboxevent"
        return self._number(newest, "DATABASE_REPLICA_URL") >= self._number(newest)


def connect(url: str, database: str | None = None) -> Any:
    """Open a connection of the bench's own to a server named as in DATABASE_URL."""
    parts = urlsplit(url)
    return MySQLdb.connect(
        host=parts.hostname,
        port=parts.port,
        user=parts.username,
        password=parts.password,
        database=parts.path.lstrip("/") if database is None else database,
        charset="utf8mb4",
        autocommit=True,
    )


def query(url: str, sql: str, database: str | None = None) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows."""
    connection = connect(url, database)
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())
    finally:
        connection.close()


def environment_of(database: str, place: int) -> dict[str, str]:
    """Make the environment of processes on a database of their own; nothing is shared but servers.

    :param place: which of Redis' databases to use.
    """
    found = dict(os.environ)
    for name in _URLS:
        found[name] = found[name].rsplit("/", 1)[0] + "/" + database
    found["REDIS_URL"] = found["REDIS_URL"].rsplit("/", 1)[0] + f"/{place}"
    prefix = f"{database}-{os.getpid()}-{place}."
    return found | {"KAFKA_TOPIC_PREFIX": prefix, "REDIS_KEY_PREFIX": prefix}


@contextmanager
def running(name: str, place: int, **extra: str) -> Iterator[Instance]:
    """Start the service on an empty database, admit a client without limits, stop and clean up."""
    database = f"test_wallet_bench_{name}"
    owner = os.environ["DATABASE_OWNER_URL"]
    drop = f"DROP DATABASE IF EXISTS {database}"
    query(owner, drop)
    query(owner, f"CREATE DATABASE {database} CHARACTER SET utf8mb4")
    with tempfile.TemporaryDirectory(prefix="wallet-bench-") as folder:
        port = starting.free_port()
        environment = {
            **environment_of(database, place),
            "WALLET_HOME": folder,
            "PORT": str(port),
            # They come after the answer, at their own pace, and would take what is measured.
            "CONSUMER_PROCESSES": "0",
            **extra,
        }
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.full"],
            cwd=REPOSITORY,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            starting._read_greeting(process)
            took = time.monotonic() - started
            instance = Instance(
                name, database, Address("127.0.0.1", port), environment, Path(folder), took
            )
            yield _with_key(instance)
        finally:
            process.terminate()
            process.wait(_STOP_SECONDS)
            if process.stdout is not None:
                process.stdout.close()
    query(owner, drop)


def _with_key(instance: Instance) -> Instance:
    done = instance.manage("create_client", CLIENT, "--plan", "unlimited")
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    headers = {"Authorization": f"Bearer {done.stdout.strip()}"}
    address = Address(instance.address.host, instance.address.port, headers)
    return Instance(
        instance.name,
        instance.database,
        address,
        instance.environment,
        instance.home,
        instance.start_seconds,
    )
