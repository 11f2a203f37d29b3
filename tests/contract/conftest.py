"""Callers of the API for the contract's tests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contract.short import Short
from tests.http import Api
from tests.people import Company
from wallets.models import Scope
from wallets.operations.create_client import add_key


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
