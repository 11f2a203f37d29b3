"""What was late or away comes back, and is taken for what it is then."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest

from ledger import account_lines
from ledger.account_lines import Span
from tests import outages
from tests.http import Api
from tests.people import Company, fund
from wallet_project.kit import clock, replica, servers
from wallet_project.kit.database import PRIMARY
from wallets import statements
from wallets.identity import WalletIdentity
from wallets.models import Wallet
from wallets.statements import Asked

pytestmark = pytest.mark.full_stack


@pytest.fixture
def acme(client_acme: Company) -> Iterator[Api]:
    """Acme's programs, on a stack whose replica has a heartbeat."""
    yield Api(client_acme.key)
    replica.forget()
    outages.still_the_heart()


@pytest.mark.usefixtures("acme")
def test_a_statement_has_all_though_the_replica_catches_up_while_it_is_read(
    alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    outages.settle()
    look = account_lines.span
    looks: list[Span] = []

    def catch_up_after_the_first_look(*args: Any, **options: Any) -> Span:
        looks.append(look(*args, **options))
        if len(looks) == 1:
            stopped.close()
            outages.catch_up()
        return looks[-1]

    with ExitStack() as stopped:
        stopped.enter_context(outages.replication_stopped())
        fund(alice, 100)
        tomorrow = clock.now() + timedelta(days=1)
        monkeypatch.setattr(account_lines, "span", catch_up_after_the_first_look)
        wallet = Wallet.objects.using(PRIMARY).get(pk=alice.id)
        found = statements.statement(wallet, Asked(before=tomorrow), before=None, limit=10)

    assert looks[0].last == 0  # the race was there
    assert (found.span.opening, found.span.closing) == (0, 100)
    assert [line.amount for line in found.page.lines] == [100]


def test_redis_is_found_again_by_a_process_that_nobody_calls(
    acme: Api, alice: WalletIdentity
) -> None:
    """A health page would call the service degraded until somebody happens to call."""
    with outages.redis_killed():
        while not servers.redis.is_open:
            assert acme.get("/wallets/alice/balance").status == 200
    deadline = time.monotonic() + 10
    while servers.redis.is_open:
        assert time.monotonic() < deadline
        time.sleep(0.05)
