"""Holds under the hands of many at once, and of nobody in time."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.models import F

from events.models import OutboxEvent
from ledger.models import JournalEntry
from tests.people import asks, balance, books_now, fund
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import DomainError
from wallets import hold_queries, idempotency, policies, verification
from wallets.holds import HoldRecord
from wallets.identity import WalletIdentity
from wallets.models import Hold, Wallet
from wallets.operations import _movement, capture_hold, expire_holds, place_hold, void_hold
from wallets.operations._balances import BalanceGuardFailed
from wallets.operations.place_hold import Expiry
from wallets.operations.transfer import transfer
from wallets.operations.withdraw import withdraw

CALLERS = 8
Act = Callable[[], object]


def place(wallet: WalletIdentity, amount: int, *, after: float | None = None) -> HoldRecord:
    expiry = Expiry(after=None if after is None else timedelta(seconds=after))
    return place_hold.place_hold(wallet=wallet, request=asks(amount, wallet=wallet), expiry=expiry)


def captures(hold: HoldRecord, wallet: WalletIdentity, amount: int | None = None) -> Act:
    request = asks(amount or hold.amount, wallet=wallet)
    return lambda: capture_hold.capture_hold(hold=hold, wallet=wallet, request=request)


def voids(hold: HoldRecord) -> Act:
    key = idempotency.made_here(hold.client)
    return lambda: void_hold.void_hold(hold=hold, key=key, actor="key:test")


def withdraws(wallet: WalletIdentity, amount: int) -> Act:
    request = asks(amount, wallet=wallet)
    return lambda: withdraw(wallet=wallet, request=request)


def at_once(*acts: Act) -> Counter[str]:
    """Do everything at the same time; count by what came of it."""

    def one(act: Act) -> str:
        try:
            act()
        except DomainError as error:
            return error.code
        finally:
            connections.close_all()
        return "ok"

    with ThreadPoolExecutor(len(acts)) as pool:
        return Counter(pool.map(one, acts))


@pytest.fixture(autouse=True)
def sound(alice: WalletIdentity) -> object:
    fund(alice, 10_000)
    yield
    assert verification.verify().findings == []


def test_of_many_captures_one_has_an_effect(alice: WalletIdentity) -> None:
    hold = place(alice, 4_000)
    seen = at_once(*(captures(hold, alice, 3_000) for _ in range(CALLERS)))
    assert seen == {"ok": 1, "hold_not_active": CALLERS - 1}
    assert balance(alice) == 7_000


def test_void_or_capture_but_not_both(alice: WalletIdentity) -> None:
    for _ in range(5):
        before = balance(alice)
        hold = place(alice, 1_000)
        seen = at_once(voids(hold), captures(hold, alice), voids(hold), captures(hold, alice))
        assert seen == {"ok": 1, "hold_not_active": 3}
        paid = Hold.objects.get(pk=hold.id).status == "CAPTURED"
        assert balance(alice) == before - (1_000 if paid else 0)


def test_a_hold_that_has_ended_is_guarded_by_its_row_as_well(
    alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold, other = place(alice, 1_000), place(alice, 1_000)
    voids(hold)()
    monkeypatch.setattr(policies, "refuse_end", lambda status: None)
    before = books_now()
    again = capture_hold.command(hold=hold, wallet=alice, request=asks(1_000, wallet=alice))
    with pytest.raises(BalanceGuardFailed):
        _movement.execute([again])
    assert books_now() == before
    assert Hold.objects.get(pk=other.id).status == "ACTIVE"


def test_holds_and_withdrawals_never_promise_the_same_money(alice: WalletIdentity) -> None:
    seen = at_once(
        *(lambda: place(alice, 3_000) for _ in range(CALLERS)),
        *(withdraws(alice, 3_000) for _ in range(CALLERS)),
    )
    assert seen == {"ok": 3, "insufficient_funds": 2 * CALLERS - 3}
    row = Wallet.objects.using(PRIMARY).get(pk=alice.id)
    assert row.available == 1_000


def test_a_capture_that_comes_with_the_expiry_pays_or_does_not(alice: WalletIdentity) -> None:
    for _ in range(3):
        before = balance(alice)
        hold = place(alice, 1_000, after=0.3)
        acts = [captures(hold, alice), lambda: expire_holds.expire_holds() and None]

        def waits(act: Act) -> Act:
            def late() -> None:
                time.sleep(0.29)
                act()

            return late

        at_once(*(waits(act) for act in [*acts, *acts]))
        time.sleep(0.02)
        expire_holds.expire_holds()
        row = Hold.objects.get(pk=hold.id)
        assert row.status in ("CAPTURED", "EXPIRED")
        assert balance(alice) == before - row.captured
        told = OutboxEvent.objects.filter(stream=alice.id, type__contains="wallet.captured")
        assert told.count() == JournalEntry.objects.filter(kind="capture").count()


def test_the_sweeper_ends_what_has_expired_and_nothing_else(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    fund(bob, 1_000)
    for wallet in (alice, alice, bob):
        place(wallet, 100, after=0.2)
    place(alice, 100, after=600)
    place(bob, 100)
    assert expire_holds.expire_holds() == 0
    time.sleep(0.25)

    out = StringIO()
    call_command("expire_holds", "--dry-run", stdout=out)
    assert "3 holds" in out.getvalue()
    assert Hold.objects.filter(status="EXPIRED").count() == 0
    counted = StringIO()
    call_command("expire_holds", "--dry-run", "--json", stdout=counted)
    assert json.loads(counted.getvalue()) == {"expired": 3}
    call_command("expire_holds", "--batch-size", "1", stdout=out, stderr=StringIO())
    assert "3 holds have been ended" in out.getvalue()

    assert Hold.objects.filter(status="EXPIRED").count() == 3
    rows = Wallet.objects.order_by("pk").values_list("held", "next_hold_expiry")
    (alices, next_expiry), (bobs, none) = rows
    assert (alices, bobs, none) == (100, 100, None)
    assert next_expiry == Hold.objects.get(status="ACTIVE", wallet=alice.id).expires_at
    assert expire_holds.expire_holds() == 0


def test_two_sweepers_end_each_hold_once(alice: WalletIdentity) -> None:
    for _ in range(20):
        place(alice, 100, after=0.2)
    time.sleep(0.25)
    at_once(*(lambda: expire_holds.expire_holds() for _ in range(4)))
    assert OutboxEvent.objects.filter(type="wallet.released.v1").count() == 20


def test_linked_commands_take_a_hold_back_with_them(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    hold = place(alice, 1_000)
    key = idempotency.made_here(alice.client)
    commands = [
        void_hold.command(hold=hold, key=key, actor="key:test"),
        place_hold.command(wallet=alice, request=asks(500, wallet=alice), expiry=Expiry()),
        capture_hold.command(hold=hold, wallet=alice, request=asks(1, wallet=alice)),
    ]
    outcomes = _movement.execute(commands, linked=True)
    assert {o.error.code for o in outcomes if o.error} == {"hold_not_active"}
    assert Hold.objects.get().status == "ACTIVE"
    assert hold_queries.hold(alice.client, str(hold.id)).status == "ACTIVE"
    row = Wallet.objects.get(pk=alice.id)
    assert (row.held, row.version) == (1_000, 3)


def test_a_list_of_everything_is_done_in_its_order(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    holds = [place(alice, 1_000, after=600) for _ in range(3)]
    key = idempotency.made_here(alice.client)
    outcomes = _movement.execute(
        [
            capture_hold.command(hold=holds[0], wallet=alice, request=asks(600, wallet=alice)),
            void_hold.command(hold=holds[1], key=key, actor="key:test"),
            place_hold.command(wallet=alice, request=asks(8_400, wallet=alice), expiry=Expiry()),
            place_hold.command(wallet=alice, request=asks(1, wallet=alice), expiry=Expiry()),
            void_hold.command(hold=holds[1], key=key, actor="key:test"),
        ]
    )
    assert [o.error.code if o.error else "ok" for o in outcomes] == [
        "ok",
        "ok",
        "ok",
        "insufficient_funds",
        "ok",
    ]
    assert outcomes[4].replayed
    row = Wallet.objects.get(pk=alice.id)
    assert (row.balance, row.held, row.available) == (9_400, 9_400, 0)


def test_verification_finds_a_sum_that_is_not_held(alice: WalletIdentity) -> None:
    hold = place(alice, 1_000, after=600)
    for column, wrong in (("held", F("held") + 1), ("next_hold_expiry", None)):
        row = Wallet.objects.filter(pk=alice.id).values(column)[0][column]
        Wallet.objects.filter(pk=alice.id).update(**{column: wrong})
        assert {one.invariant for one in verification.verify().findings} == {"I17"}
        Wallet.objects.filter(pk=alice.id).update(**{column: row})
    captures(hold, alice, 600)()
    Hold.objects.filter(pk=hold.id).update(captured=601)
    assert {one.invariant for one in verification.verify().findings} == {"I17"}
    Hold.objects.filter(pk=hold.id).update(captured=600)


def test_a_transfer_spends_what_an_expired_hold_has_set_free(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    place(alice, 10_000, after=0.2)
    time.sleep(0.25)
    transfer(source=alice, destination=bob, request=asks(10_000, wallet=alice))
    assert (balance(alice), balance(bob)) == (0, 10_000)
