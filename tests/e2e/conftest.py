"""The service as it is really started: embedded, and full on MySQL, Redis and Kafka."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.embedded.__main__ import _OF_OTHERS
from tests import databases
from tests.e2e.services import Service, full_process
from tests.embedded import starting


@pytest.fixture(scope="session")
def embedded_service() -> Iterator[Service]:
    """`make run`: no stack, no key needed from this machine."""
    with (
        tempfile.TemporaryDirectory(prefix="wallet-e2e-") as home,
        starting.running(Path(home), starting.free_port()) as started,
    ):
        # Of what the shell may hold for a real stack, nothing reaches commands of this service.
        others = (*_OF_OTHERS, "DJANGO_SETTINGS_MODULE")
        kept = {name: value for name, value in os.environ.items() if name not in others}
        yield Service(
            started.base, key=None, name="embedded", environment=kept | {"WALLET_HOME": home}
        )


@pytest.fixture(scope="session")
def full_service(django_db_setup: None, django_db_blocker: Any) -> Iterator[Service]:
    """`make stack-run` on this run's own database and topics; every call needs the key."""
    database = f"{databases.TEST_DATABASE}_e2e"  # its own: other tests empty theirs
    with django_db_blocker.unblock():
        databases.make_empty_database(database)
    with tempfile.TemporaryDirectory(prefix="wallet-e2e-") as home:
        port = starting.free_port()
        environment = {
            **databases.environment(database),
            "WALLET_HOME": home,
            "PORT": str(port),
        }
        with full_process(environment, Path(home)) as started:
            yield Service(started.base, key=started.key, name="full", environment=environment)


@pytest.fixture(params=["embedded", pytest.param("full", marks=pytest.mark.full_stack)])
def service(request: pytest.FixtureRequest) -> Service:
    """Each of the two services in turn."""
    found: Service = request.getfixturevalue(f"{request.param}_service")
    return found


@pytest.fixture
def topic() -> str:
    """The facts topic of this run."""
    return f"{os.environ['KAFKA_TOPIC_PREFIX']}wallet.events.v1"
