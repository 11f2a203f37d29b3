"""Callers of the API for the contract's tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest
import redis
from django.conf import settings

from tests.contract.short import Short
from tests.http import Api, InProcess
from tests.lane import Lane
from tests.people import Company
from wallets.models import Scope
from wallets.operations.create_client import add_key

BOTH_BINDINGS: Final = frozenset(
    {
        *("access", "bulk", "http", "idempotency", "limits", "movements", "robustness", "wallets"),
        *("every_route", "repeats_at_once", "no_ghosts", "operations", "holds"),
        *("tokens", "key_limits", "isolation", "at_once", "bad_input", "schema_fuzz"),
    }
)
"""The files whose tests call hot routes: they are held against the lane as well."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test of those files once through Django and once through the lane."""
    if metafunc.module.__name__.rpartition(".test_")[2] in BOTH_BINDINGS:
        metafunc.parametrize("binding", ["django", "lane"], indirect=True)


@pytest.fixture(autouse=True)
def binding(request: pytest.FixtureRequest, database: None) -> Iterator[str]:
    """Choose which binding answers the hot routes."""
    chosen: str = getattr(request, "param", "django")
    _forget_addresses()
    InProcess.lane = Lane() if chosen == "lane" else None
    yield chosen
    if InProcess.lane is not None:
        InProcess.lane.close()
        InProcess.lane = None


def _forget_addresses() -> None:
    """Give the address from which all tests call its whole minute: some send hundreds of calls
    that count against it, and the next test would be told 429."""
    if not settings.REDIS_URL:
        return
    with redis.Redis.from_url(settings.REDIS_URL) as connection:
        pattern = f"{settings.REDIS_KEY_PREFIX}rate:{{a*"
        if used := list(connection.scan_iter(match=pattern, count=5_000)):
            connection.delete(*used)


@pytest.fixture
def acme(client_acme: Company) -> Api:
    """Acme's own programs, which may do everything."""
    return Api(client_acme.key)


@pytest.fixture
def globex(client_globex: Company) -> Api:
    """Globex's own programs."""
    return Api(client_globex.key)


@pytest.fixture
def reader(client_acme: Company) -> Api:
    """A program of Acme's that may only read."""
    made = add_key(name="acme", scopes=[Scope.WALLETS_READ, Scope.TRANSACTIONS_READ])
    return Api(made.key)


@pytest.fixture(params=["/v1/wallet", "/wallet"])
def short(request: pytest.FixtureRequest, acme: Api) -> Short:
    """Acme, on either of the dialect's two bases."""
    return Short(replace(acme, base=request.param))
