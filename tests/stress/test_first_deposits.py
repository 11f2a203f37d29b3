"""Processes that share nothing but the database make the first deposit of a name at one moment."""

from __future__ import annotations

import pytest

from tests.people import Company, balance
from tests.stress.test_traps import PROCESSES, in_processes
from wallets import verification
from wallets.identity import identify
from wallets.models import Wallet

pytestmark = [pytest.mark.full_stack, pytest.mark.stress]

NAMES = 60


def test_first_deposits_in_many_processes_make_one_wallet_and_lose_nothing(
    client_acme: Company,
) -> None:
    """Each process sends one deposit of its own and one under a key that all of them share."""
    reports = in_processes(
        "first_deposits",
        client=client_acme.id,
        client_name=client_acme.name,
        wallets=[],
        names=NAMES,
        pause_seconds=0.05,
    )

    seen = [report["seen"] for report in reports]
    assert [sum(one.values()) for one in seen] == [2 * NAMES] * PROCESSES
    assert set().union(*seen) <= {"ok", "replayed"}
    assert sum(one.get("replayed", 0) for one in seen) == (PROCESSES - 1) * NAMES
    assert Wallet.objects.count() == NAMES
    for number in range(NAMES):
        assert balance(identify(client_acme.id, f"new-{number}")) == PROCESSES + 1
    assert verification.verify().findings == []
