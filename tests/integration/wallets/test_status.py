"""Changes of status among movements that arrive at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from events.models import OutboxEvent
from tests.people import asks, balance
from wallet_project.kit.errors import Refused
from wallets import errors, queries, verification
from wallets.identity import WalletIdentity
from wallets.models import WalletStatus
from wallets.operations._status import StatusRequest
from wallets.operations.close_wallet import close_wallet
from wallets.operations.deposit import deposit
from wallets.operations.freeze_wallet import freeze_wallet
from wallets.operations.unfreeze_wallet import unfreeze_wallet
from wallets.operations.withdraw import withdraw

_ASKS = StatusRequest(actor="key:test")


def _closes(wallet: WalletIdentity) -> str:
    try:
        close_wallet(wallet=wallet, request=_ASKS)
    except errors.WalletNotEmpty:
        return "not_empty"
    finally:
        connections.close_all()
    return "closed"


def _deposits(wallet: WalletIdentity) -> str:
    try:
        deposit(wallet=wallet, request=asks(100, wallet=wallet))
    except errors.WalletClosed:
        return "refused"
    return "paid"


def test_a_closed_wallet_never_has_money(alice: WalletIdentity) -> None:
    with ThreadPoolExecutor(20) as pool:
        acts = [pool.submit(_closes if number % 2 else _deposits, alice) for number in range(20)]
        outcomes = [act.result() for act in acts]

    view = queries.wallet(alice)
    if "closed" in outcomes:
        assert (view.status, view.balance) == (WalletStatus.CLOSED, 0)
        assert "paid" not in outcomes
    else:
        assert (view.status, view.balance) == (WalletStatus.ACTIVE, 1000)
    assert OutboxEvent.objects.filter(type="wallet.closed.v1").count() == (
        1 if "closed" in outcomes else 0
    )
    assert verification.verify().findings == []


def test_a_closed_wallet_never_has_money_when_it_runs_empty_meanwhile(
    alice: WalletIdentity,
) -> None:
    def pays_and_takes(_: int) -> None:
        try:
            deposit(wallet=alice, request=asks(100, wallet=alice))
            withdraw(wallet=alice, request=asks(100, wallet=alice))
        except Refused:
            pass

    with ThreadPoolExecutor(20) as pool:
        for number in range(40):
            if number % 4 == 3:
                pool.submit(_closes, alice)
            else:
                pool.submit(pays_and_takes, number)

    view = queries.wallet(alice)
    if view.status == WalletStatus.CLOSED:
        assert view.balance == 0
    assert verification.verify().findings == []


def test_twenty_who_freeze_at_once_freeze_once(alice: WalletIdentity) -> None:
    def freezes(_: int) -> int:
        try:
            return freeze_wallet(wallet=alice, request=_ASKS).version
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        versions = list(pool.map(freezes, range(20)))

    assert set(versions) == {2}
    assert OutboxEvent.objects.filter(type="wallet.frozen.v1").count() == 1


def test_a_wallet_that_freezes_and_thaws_loses_no_step(alice: WalletIdentity) -> None:
    def acts(number: int) -> None:
        verbs = (freeze_wallet, unfreeze_wallet)
        try:
            if number % 3 == 2:
                deposit(wallet=alice, request=asks(100, wallet=alice))
            else:
                verbs[number % 3](wallet=alice, request=_ASKS)
        except errors.WalletFrozen:
            pass
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(acts, range(60)))

    view = queries.wallet(alice)
    assert OutboxEvent.objects.filter(stream=alice.id).count() == view.version
    assert balance(alice) % 100 == 0
    assert verification.verify().findings == []
