"""Processes that share a run of `rebuild_balances` leave no wallet out, and come to an end."""

from __future__ import annotations

from itertools import islice

import pytest

from tests.people import Company, balance, books_now, wallet_of
from wallet_project.kit.audit import Actor
from wallet_project.kit.database import PRIMARY, LockWaitTimeout
from wallets.identity import WalletIdentity
from wallets.models import Wallet
from wallets.operations import rebuild_balances as operation

REASON = "the night's proof was red"


def test_what_another_process_did_meanwhile_lets_no_wallet_be_skipped(
    client_acme: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One finds its four wallets locked and halves them, while the other has done the first."""
    people = [wallet_of(client_acme, f"w{number}") for number in range(4)]
    Wallet.objects.using(PRIMARY).update(balance=7)
    scope = operation.Scope(tuple(sorted(wallet.id for wallet in people)))
    order = operation.Order(Actor("command:rebuild_balances"), REASON)
    one, other = (operation.Rebuilding(scope, order, batch_size=size) for size in (4, 1))
    attempt = one._attempt

    def waits_in_vain(*_: object) -> None:
        monkeypatch.setattr(one, "_attempt", attempt)
        next(other.go())
        raise LockWaitTimeout

    monkeypatch.setattr(one, "_attempt", waits_in_vain)
    list(one.go())

    assert [balance(wallet) for wallet in people] == [0, 0, 0, 0]
    assert (one.run.wallets, one.run.mended) == (4, 4)


def test_a_run_that_another_one_ended_comes_to_its_end(alice: WalletIdentity) -> None:
    order = operation.Order(Actor("command:rebuild_balances"), REASON)
    first = operation.Rebuilding(operation.Scope(), order, batch_size=1)
    operation.Rebuilding(operation.Scope(), order, from_start=True)
    before = books_now()

    steps = list(islice(first.go(), 5))

    assert len(steps) == 1
    assert (first.run.wallets, first.run.finished_at is None) == (0, False)
    assert books_now() == before
