"""Acme's bank, and Alice who has money there."""

from __future__ import annotations

import pytest

from tests.people import Company, wallet_of
from tests.reconciling import set_up
from wallets.identity import WalletIdentity


@pytest.fixture
def acme(client_acme: Company) -> Company:
    """Acme, whose bank's CSV can be read."""
    set_up(client_acme)
    return client_acme


@pytest.fixture
def alice(acme: Company) -> WalletIdentity:
    """Alice's wallet with Acme."""
    return wallet_of(acme, "alice")
