"""Whoever posts while a month is being closed is in its figures, or is refused."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connections

from ledger.periods import closing, keeping
from ledger.periods.errors import (
    PeriodNotSettled,
)
from tests.people import Company, asks, balance, fund
from tests.periods import IN_IT, MONTH, bar, finish, frozen, put, roll
from wallets import errors
from wallets.identity import WalletIdentity
from wallets.operations import _balances


@pytest.mark.full_stack
def test_a_movement_on_its_way_is_waited_for(
    client_acme: Company, alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its transaction has seen the month open; it commits when the month is barred already."""
    fund(alice, 1)
    looked, go_on = _paused_before_writing(monkeypatch)
    poster = threading.Thread(target=_post, args=(alice, 100))
    poster.start()
    assert looked.wait(10)

    bar(client_acme.id, MONTH)
    roll()
    with pytest.raises(PeriodNotSettled):
        closing.finish(client_acme.id)
    go_on.set()
    poster.join()
    with pytest.raises(errors.PeriodClosed):
        put(alice, 7)

    made = finish(client_acme.id)
    assert frozen(made)["Wallets", "USD"] == (0, 0, 100, 100, 1)
    assert [one.findings for one in keeping.look()] == [()]


@pytest.mark.full_stack
def test_without_the_wait_it_would_be_missing(
    client_acme: Company, alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait is what holds, and the proof is what would tell."""
    fund(alice, 1)
    looked, go_on = _paused_before_writing(monkeypatch)
    poster = threading.Thread(target=_post, args=(alice, 100))
    poster.start()
    assert looked.wait(10)
    bar(client_acme.id, MONTH)
    made = finish(client_acme.id)
    go_on.set()
    poster.join()
    assert ("Wallets", "USD") not in frozen(made)
    roll()
    (kept,) = keeping.look()
    assert kept.findings != ()


def _paused_before_writing(
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[threading.Event, threading.Event]:
    """Hold the first transaction that has decided, until told to go on."""
    looked, go_on = threading.Event(), threading.Event()
    apply = _balances.apply

    def paused(drafts: Any) -> None:
        if not looked.is_set():
            looked.set()
            assert go_on.wait(30)
        apply(drafts)

    monkeypatch.setattr(_balances, "apply", paused)
    return looked, go_on


def _post(wallet: WalletIdentity, amount: int) -> None:
    from wallets.chart import Kind
    from wallets.operations import _movement
    from wallets.operations._rails import command

    try:
        made = command(Kind.DEPOSIT, wallet, asks(amount, wallet=wallet, value_date=IN_IT))
        _movement.attempt([made])
    finally:
        for alias in connections:
            connections[alias].close()


def test_whoever_posts_while_a_month_is_closed_is_in_it_or_refused(
    client_acme: Company, alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "SETTLE_SECONDS", 2.0)
    accepted, refused = [], []
    stop = threading.Event()

    def hammer(amount: int) -> None:
        while not stop.is_set():
            try:
                put(alice, amount)
            except errors.PeriodClosed:
                refused.append(amount)
            else:
                accepted.append(amount)
        for alias in connections:
            connections[alias].close()

    threads = [threading.Thread(target=hammer, args=(n,)) for n in (1, 10, 100, 1_000)]
    for thread in threads:
        thread.start()
    while len(accepted) < 20:
        stop.wait(0.01)
    bar(client_acme.id, MONTH)
    made = None
    while made is None:
        roll()
        try:
            made = closing.finish(client_acme.id)
        except PeriodNotSettled:
            stop.wait(0.2)
    while len(refused) < 20:
        stop.wait(0.01)
    stop.set()
    for thread in threads:
        thread.join()

    opening, debits, credits_, closing_, postings = frozen(made)["Wallets", "USD"]
    assert (opening, debits, postings) == (0, 0, len(accepted))
    assert credits_ == closing_ == sum(accepted) == balance(alice)
    assert [one.findings for one in keeping.look()] == [()]
