"""Three servers with TLS for this folder's tests, started when first asked for."""

from __future__ import annotations

import runpy
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.stack.layout import KAFKA, LOOPBACK, PRIMARY, REDIS, Home, find_free, load_secrets
from deploy.stack.processes import stop
from tests.integration.tls import servers
from tests.integration.tls.authority import Authority

MODULE = Path(__file__).resolve().parents[3] / "wallet_project" / "connection_settings.py"
ELSEWHERE = (
    *("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_REPLICA_URL"),
    *("REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS"),
)
ALSO_LOOPBACK = "127.1"
"""Leads to the same server, whose certificate does not have it."""
Settings = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """Return the servers' folder, where the user that MySQL runs as may go."""
    folder = Path(tempfile.mkdtemp(prefix="wallet-tls-", dir="/var/tmp"))
    folder.chmod(0o755)
    made = Home(folder, servers.stack().engine)
    made.make()
    yield made
    for name in (PRIMARY, REDIS, KAFKA):
        stop(made, name, limit=5.0)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def authority(home: Home) -> Authority:
    """The CA of our servers and of ourselves."""
    return Authority(home.root, "ours")


@pytest.fixture(scope="module")
def stranger(home: Home) -> Authority:
    """A CA that has signed nothing of ours."""
    return Authority(home.root, "strange")


@pytest.fixture(scope="module")
def mysql_url(home: Home, authority: Authority) -> str:
    """A MySQL server that requires TLS, as its owner."""
    port = find_free(frozenset())
    servers.start_mysql(home, port, authority)
    return f"mysql://migrate:{load_secrets(home)['migrate']}@{LOOPBACK}:{port}/wallet"


@pytest.fixture(scope="module")
def redis_address(home: Home, authority: Authority) -> str:
    """Host, port and database of a Redis that speaks TLS alone."""
    port = find_free(frozenset())
    servers.start_redis(home, port, authority)
    return f"{LOOPBACK}:{port}/0"


@pytest.fixture(scope="module")
def kafka_address(home: Home, authority: Authority) -> str:
    """Host and port of a broker whose clients come by SASL_SSL."""
    taken: list[int] = []
    for _ in range(3):
        taken.append(find_free(frozenset(taken)))
    servers.start_kafka(home, taken[0], (taken[1], taken[2]), authority)
    return f"{LOOPBACK}:{taken[0]}"


@pytest.fixture
def settings_of() -> Settings:
    """Read the settings of connections as a process with these variables would."""

    def read(**variables: object) -> dict[str, Any]:
        with pytest.MonkeyPatch.context() as patch:
            for name in ELSEWHERE:
                patch.delenv(name, raising=False)
            for name, value in variables.items():
                patch.setenv(name, str(value))
            return runpy.run_path(str(MODULE))

    return read


@pytest.fixture(autouse=True)
def _other_databases(django_db_blocker: Any) -> Iterator[None]:
    """Let these tests speak to the servers that they start."""
    with django_db_blocker.unblock():
        yield
