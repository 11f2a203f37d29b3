"""The full service on a database, topics and a Redis of its own, and a stage for each story."""

from __future__ import annotations

import resource
import tempfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from django.db import connections

from deploy.stack import layout
from tests import databases
from tests.e2e.services import Service, full_process
from tests.embedded import starting
from tests.integration.events.reading import read_topic
from tests.second_try import TooSlow
from tests.stress.faults import books, checks, parts
from tests.stress.faults.books import Books
from tests.stress.faults.journal import Journal
from tests.stress.faults.load import Caller, Load, open_wallets, resolve
from tests.stress.faults.parts import Running

OPEN_FILES: Final = 256
"""As few as some systems grant by default; the service itself sees to it that it has enough."""


@pytest.fixture(scope="package")
def running(django_db_setup: None, django_db_blocker: Any) -> Iterator[Running]:
    """`make stack-run` for this folder: whatever happens to it disturbs no other test's."""
    database = f"{databases.TEST_DATABASE}_faults"
    with django_db_blocker.unblock():
        databases.make_empty_database(database)
    with tempfile.TemporaryDirectory(prefix="wallet-faults-") as home:
        environment = databases.environment(database)
        deny_list = Path(home) / "deny.lst"
        deny_list.write_text("# nobody yet\n")
        environment |= {
            "WALLET_HOME": home,
            "DENY_LIST": str(deny_list),
            "PORT": str(starting.free_port()),
            "REDIS_URL": environment["REDIS_URL"].removesuffix("/0") + "/1",
            "KAFKA_TOPIC_PREFIX": f"faults-{Path(home).name}.",
        }
        with full_process(environment, Path(home), before_start=_limit_open_files) as started:
            service = Service(started.base, started.key, "faults", environment)
            yield Running(service, started.process, Path(home))


def _limit_open_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(OPEN_FILES, hard), hard))


@pytest.fixture
def everything_runs_again(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Bring back what a story took away, also when it failed; forget connections it cut."""
    yield
    parts.restore()
    with django_db_blocker.unblock():
        for alias in connections:
            connections[alias].close()


@dataclass
class Stage:
    """A new client's wallets, its journal, and what is asked of both in the end."""

    running: Running
    service: Service
    journal: Journal
    wallets: list[str]
    seed: int

    def load(self, *, clients: int = 16, rest_seconds: float = 0.0) -> AbstractContextManager[Load]:
        """Let clients move money for as long as the block lasts."""
        return Load(
            self.service,
            self.journal,
            self.wallets,
            self.seed,
            clients=clients,
            rest_seconds=rest_seconds,
        )

    def read_books(self) -> Books:
        """Read what the primary has of these wallets."""
        return books.read(self.database, self.wallets)

    @property
    def database(self) -> str:
        """Return the address of the primary."""
        return self.service.environment["DATABASE_URL"]

    def wait_until_published(self, *, seconds: float = 30.0) -> None:
        """Wait until the outbox has told everything."""
        parts.until(
            lambda: books.count_unpublished(self.database) == 0,
            what="an empty outbox",
            seconds=seconds,
        )

    def wait_until_replicated(self, found: Books) -> None:
        """Wait until the replica has the same books."""
        replica = self.service.environment["DATABASE_REPLICA_URL"]
        parts.until(lambda: books.read(replica, self.wallets) == found, what="the same books there")

    def wait_until_well(self, *, seconds: float = 30.0) -> None:
        """Wait until the service says so itself."""
        said = ""

        def is_well() -> bool:
            nonlocal said
            said = self._health()
            return '"status": "ok"' in said

        try:
            parts.until(is_well, what="/health/ready with every part up", seconds=seconds)
        except TooSlow as error:
            raise TooSlow(f"{error}; it says {said}") from None

    def _health(self) -> str:
        try:
            with urllib.request.urlopen(self.service.base + "/health/ready", timeout=15) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return f"{error.code} {error.read().decode()}"
        except OSError as error:
            return str(error)

    def settle(self, *, answer_seconds: float = checks.ANSWER_SECONDS) -> Books:
        """After the fault: resolve what is unknown, then hold the books against the journal."""
        assert self.running.is_up(), "The supervisor is gone."
        resolve(self.service, self.journal)
        caller = Caller(self.service)
        found = self.read_books()
        checks.no_op_is_left_unknown(self.journal)
        checks.what_was_acknowledged_is_in_the_books(self.journal, found)
        checks.nothing_else_is_in_the_books(self.journal, found)
        checks.versions_follow_real_time(self.journal, found)
        checks.no_balance_was_ever_negative(found)
        checks.the_money_adds_up(self.journal, found)
        checks.every_answer_kept_its_manners(self.journal.answers)
        checks.every_request_ended_in_time(self.journal.answers, seconds=answer_seconds)
        checks.a_repeat_is_told_the_same(self.journal, caller)
        checks.the_api_tells_the_books(caller, found)
        assert self.read_books() == found, "A repeat moved money."
        self._compare_topic()
        assert self.service.prove().endswith("sound.\n")
        return found

    def _compare_topic(self) -> None:
        self.wait_until_published()
        events = books.read_outbox(self.database)
        records = read_topic(self.service.environment["KAFKA_TOPIC_PREFIX"] + "wallet.events.v1")
        checks.every_event_is_in_kafka(events, records)
        checks.events_keep_the_order_of_their_wallet(
            events, records, books.read_versions(self.database)
        )


@pytest.fixture
def stage(
    running: Running,
    everything_runs_again: None,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> Stage:
    """Everything a story needs, and every part at work."""
    assert all(parts.pid_of(part) for part in layout.PARTS)
    seed = zlib.crc32(request.node.name.encode())
    service = running.service.of_new_client(f"acme-{seed}")
    journal = Journal(tmp_path / "journal.txt")
    made = Stage(running, service, journal, [], seed)
    made.wait_until_well(seconds=120)  # what the story before broke may still be coming back
    made.wallets += open_wallets(service, journal)
    return made
