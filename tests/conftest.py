"""Fixtures of every kind of test. People and helpers stand in `people.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from events import lateness
from ledger import settled
from tests import databases
from tests.people import Company, wallet_of
from tests.second_try import pytest_runtest_makereport, pytest_sessionfinish
from wallet_project.kit import replica, servers
from wallets import balance_cache, credentials, identity, key_use
from wallets.api import throttling
from wallets.identity import WalletIdentity
from wallets.operations import _house_accounts, group_commit
from wallets.operations.create_client import create_client
from wallets.safeguards import switch

__all__ = ["pytest_runtest_makereport", "pytest_sessionfinish"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs the full stack when this run has none, and say so in the summary."""
    if databases.is_mysql():
        return
    needing = [item for item in items if item.get_closest_marker("full_stack")]
    if needing:
        config.hook.pytest_deselected(items=needing)
        items[:] = [item for item in items if item not in needing]


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> None:
    """Make the test database once a run, with the application's own rights on it."""
    with django_db_blocker.unblock():
        databases.make_test_database()


@pytest.fixture(autouse=True)
def _nobody_is_away() -> Iterator[None]:
    """Let no test begin with what another has found out about a server."""
    yield
    servers.forget()
    switch.forget()
    lateness.forget()


@pytest.fixture
def database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Let a test commit for real, so that other threads and processes see it; clean up after."""
    with django_db_blocker.unblock():
        yield
        group_commit.stop()
        key_use.USE.flush(drop=True)
        _forget()
        databases.empty_tables()
        for alias in connections:
            connections[alias].close()


def _forget() -> None:
    identity.forget_all()
    settled.forget_all()
    _house_accounts.forget_all()
    credentials.forget_all()
    replica.forget()
    balance_cache.forget_failures()
    throttling.forget_all()


@pytest.fixture
def client_acme(database: None) -> Company:
    """Acme: Alice's and Bob's company."""
    return _company("acme")


@pytest.fixture
def client_globex(database: None) -> Company:
    """Globex: Charlie's company, which must never see anything of Acme's."""
    return _company("globex")


def _company(name: str) -> Company:

    made = create_client(name=name, plan="unlimited")
    return Company(made.client, name, made.key)


@pytest.fixture
def alice(client_acme: Company) -> WalletIdentity:
    """Alice's empty wallet in dollars."""
    return wallet_of(client_acme, "alice")


@pytest.fixture
def bob(client_acme: Company) -> WalletIdentity:
    """Bob's empty wallet in dollars."""
    return wallet_of(client_acme, "bob")


@pytest.fixture
def charlie(client_globex: Company) -> WalletIdentity:
    """Charlie's empty wallet in dollars, with another client."""
    return wallet_of(client_globex, "charlie")
