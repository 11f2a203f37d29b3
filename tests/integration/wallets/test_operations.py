"""Accepted operations: in the order of acceptance, each once, whatever the messages do."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connections, transaction
from django.urls import reverse

from events.errors import Undecodable
from events.models import OutboxEvent, OutboxStatus
from ledger.models import Posting
from tests import staff
from tests.consumers import again, deliver
from tests.operations import WORKER, messages, stands, work
from tests.people import asks, balance, books_now, fund
from wallet_project.kit import clock
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import Unavailable
from wallet_project.kit.ids import uuid7
from wallets import metrics, operation_queries, verification
from wallets.identity import WalletIdentity
from wallets.models import Operation, OperationStatus, Wallet
from wallets.operations import accept_operation, deposit, transfer, withdraw
from wallets.operations._locking import lock_wallets
from wallets.operations.accept_operation import Accepted, accept
from wallets.operations.apply_operations import apply_operations, apply_through
from wallets.operations.recover_operations import recover_operations
from wallets.tasks import recover_operations as recovery_task


def puts(wallet: WalletIdentity, amount: int, **more: Any) -> UUID:
    """Have a deposit of minor units accepted."""
    command = deposit.command(wallet=wallet, request=asks(amount, wallet=wallet, **more))
    return accept(command).operation_id


def takes(wallet: WalletIdentity, amount: int, **more: Any) -> UUID:
    """Have a withdrawal accepted."""
    command = withdraw.command(wallet=wallet, request=asks(amount, wallet=wallet, **more))
    return accept(command).operation_id


def sends(source: WalletIdentity, destination: WalletIdentity, amount: int) -> UUID:
    """Have a transfer accepted."""
    request = asks(amount, wallet=source)
    command = transfer.command(source=source, destination=destination, request=request)
    return accept(command).operation_id


def status(*operations: UUID) -> list[tuple[str, str]]:
    found = {
        row.operation_id: (OperationStatus(row.status).label, row.reason)
        for row in Operation.objects.all()
    }
    return [found[one] for one in operations]


DONE = ("Completed", "")
SHORT = ("Failed", "insufficient_funds")
WAITS = ("Pending", "")


def test_operations_are_made_in_the_order_of_acceptance_however_messages_come(
    alice: WalletIdentity,
) -> None:
    made = [puts(alice, 50), takes(alice, 40), takes(alice, 20), puts(alice, 30), takes(alice, 25)]
    for message in reversed(messages()):
        work([message])
    assert status(*made) == [DONE, DONE, SHORT, DONE, DONE]
    assert balance(alice) == 15
    assert verification.verify().findings == []


def test_one_whose_message_was_lost_is_made_before_the_next(alice: WalletIdentity) -> None:
    made = [puts(alice, 50), takes(alice, 50), takes(alice, 1)]
    first, _, last = messages()
    work([first])
    work([last])
    assert status(*made) == [DONE, DONE, SHORT]


def test_what_was_accepted_later_is_left_for_its_own_message(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    made = [puts(alice, 50), puts(bob, 50), puts(alice, 7)]
    work(messages()[:1])
    assert status(*made) == [DONE, WAITS, WAITS]


def test_a_message_delivered_three_times_has_one_effect(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    made = [puts(alice, 50), takes(alice, 20), takes(alice, 99), sends(alice, bob, 5)]
    said = messages()
    deliver(WORKER, said + [again(one) for one in said])
    before = books_now()
    deliver(WORKER, [again(one) for one in reversed(said)])
    assert status(*made) == [DONE, DONE, SHORT, DONE]
    assert (balance(alice), balance(bob)) == (25, 5)
    assert books_now() == before
    assert verification.verify().findings == []


def test_operations_of_many_wallets_are_made_together(
    alice: WalletIdentity, bob: WalletIdentity, charlie: WalletIdentity
) -> None:
    for amount in range(1, 21):
        for wallet in (alice, bob, charlie):
            puts(wallet, amount)
    before = metrics.LIST_LENGTH._sum.get()
    work()
    assert metrics.LIST_LENGTH._sum.get() - before == 60
    assert [balance(wallet) for wallet in (alice, bob, charlie)] == [210, 210, 210]
    amounts = Posting.objects.filter(account_id=alice.id).order_by("sequence")
    assert list(amounts.values_list("amount", flat=True)) == list(range(1, 21))


def test_a_message_about_nothing_spoils_no_other(alice: WalletIdentity) -> None:
    made = puts(alice, 5)
    with pytest.raises(Undecodable):
        apply_operations([uuid7(), made])
    assert status(made) == [DONE]


def test_an_operation_that_has_to_wait_keeps_those_behind_it_waiting(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    fund(alice, 100)
    fund(bob, 100)
    made = [puts(alice, 10), sends(alice, bob, 50), takes(alice, 100), takes(bob, 10)]
    ahead = clock.now() + timedelta(hours=1)
    Wallet.objects.filter(pk=bob.id).update(last_posted_at=ahead)
    with pytest.raises(Unavailable):
        work()
    assert status(*made) == [DONE, WAITS, WAITS, WAITS]
    assert (balance(alice), balance(bob)) == (110, 100)

    Wallet.objects.filter(pk=bob.id).update(last_posted_at=clock.now())
    work()
    assert status(*made) == [DONE, DONE, SHORT, DONE]


@contextmanager
def held_elsewhere(wallet: WalletIdentity) -> Iterator[None]:
    """Hold a wallet's lock on another connection."""
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(using=PRIMARY):
            lock_wallets([wallet.id])
            held.set()
            done.wait(30)
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(10)
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.full_stack
def test_accepting_waits_for_no_wallet(alice: WalletIdentity) -> None:
    puts(alice, 1)  # the rail's account is there
    with held_elsewhere(alice):
        started = time.monotonic()
        puts(alice, 2)
        assert time.monotonic() - started < 0.9, "the lock's wait is a second"
    work()
    assert balance(alice) == 3


@pytest.mark.full_stack
def test_a_wallet_that_somebody_holds_keeps_no_other_waiting(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    fund(bob, 10)
    made = [sends(bob, alice, 10), puts(bob, 3), puts(alice, 1)]
    with held_elsewhere(alice):
        with pytest.raises(Unavailable):
            work()
        assert status(*made) == [WAITS, WAITS, WAITS]
        with pytest.raises(Unavailable):
            apply_operations([puts(bob, 4), made[2]])
    work()
    assert (balance(alice), balance(bob)) == (11, 7)


def test_recovery_makes_what_was_forgotten_and_leaves_what_is_young(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    made = [puts(alice, 50), takes(alice, 60), takes(alice, 50), puts(bob, 5)]
    young = puts(alice, 1)
    old = clock.now() - timedelta(minutes=2)
    Operation.objects.exclude(operation_id=young).update(created_at=old)
    # Whatever happened to the messages: one is in quarantine, others are held or gone.
    OutboxEvent.objects.filter(topic__endswith="operations").update(status=OutboxStatus.QUARANTINED)

    assert recover_operations(accepted_before=clock.now() - timedelta(minutes=1)) == 4
    assert status(*made, young) == [DONE, SHORT, DONE, DONE, WAITS]
    before = books_now()
    assert recover_operations(accepted_before=clock.now() - timedelta(minutes=1)) == 0
    work(messages()[:4])
    assert books_now() == before


def test_the_task_tells_how_long_the_oldest_has_waited(alice: WalletIdentity) -> None:
    puts(alice, 1)
    puts(alice, 2)
    Operation.objects.update(created_at=clock.now() - timedelta(seconds=40))
    recovery_task()
    waiting = operation_queries.waiting()
    assert waiting.operations == 2
    assert timedelta(seconds=40) <= waiting.oldest < timedelta(seconds=60)
    assert metrics.PENDING_OPERATIONS._value.get() == 2
    assert metrics.OLDEST_OPERATION_SECONDS._value.get() >= 40
    Operation.objects.update(created_at=clock.now() - timedelta(seconds=70))
    recovery_task()
    assert stands() == {"COMPLETED": 2}
    assert metrics.PENDING_OPERATIONS._value.get() == 0


def test_an_operation_that_two_work_on_is_made_once(alice: WalletIdentity) -> None:
    """As at a rebalance, when a worker that was frozen goes on beside its successor."""
    for _ in range(30):
        puts(alice, 2)
        takes(alice, 1)
    last = {alice.id: Operation.objects.latest("id").pk}

    def apply() -> None:
        apply_through(last)
        connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(apply) for _ in range(4)]:
            done.result()
    assert stands() == {"COMPLETED": 60}
    assert balance(alice) == 30
    amounts = Posting.objects.filter(account_id=alice.id).order_by("sequence")
    assert list(amounts.values_list("amount", flat=True)) == [2, -1] * 30
    assert verification.verify().findings == []


def test_numbers_follow_the_answers_over_many_connections(
    alice: WalletIdentity, settings: Any
) -> None:
    """What was asked for after an answer comes behind it, without a lock, in every process."""
    settings.GROUP_COMMIT_SHARED = False  # each call is a transaction of its own, as in processes
    puts(alice, 1)
    told: list[tuple[float, float, UUID]] = []

    def call(_: int) -> None:
        for _ in range(20):
            command = deposit.command(wallet=alice, request=asks(1, wallet=alice))
            asked = time.monotonic()
            accepted = accept(command)
            told.append((asked, time.monotonic(), accepted.operation_id))
        connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(call, range(6)))
    number = dict(Operation.objects.values_list("operation_id", "id"))
    sent = {event.id: event.origin.offset for event in messages()}
    for place in (number, sent):
        by_place = sorted(told, key=lambda one: place[one[2]])
        latest_asked = 0.0
        for asked, answered, _ in by_place:
            assert answered > latest_asked, "it was answered before one in front of it was asked"
            latest_asked = max(latest_asked, asked)
    work()
    assert stands() == {"COMPLETED": 121}


def test_twins_of_one_key_are_one_operation(alice: WalletIdentity, settings: Any) -> None:
    settings.GROUP_COMMIT_SHARED = False
    puts(alice, 1)

    command = deposit.command(wallet=alice, request=asks(5, wallet=alice, key="k"))

    def twin(_: int) -> Accepted:
        found = accept(command)
        connections.close_all()
        return found

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(twin, range(12)))
    assert len({one.operation_id for one in found}) == 1
    assert [one.replayed for one in found].count(False) == 1
    assert Operation.objects.count() == 2
    assert len(messages()) == 2


def test_twins_in_one_list_are_one_operation(alice: WalletIdentity) -> None:
    one = deposit.command(wallet=alice, request=asks(5, wallet=alice, key="k"))
    other = deposit.command(wallet=alice, request=asks(6, wallet=alice, key="k"))
    answers = accept_operation._attempt([one, other, one])
    first, refused, twin = answers
    assert isinstance(first, Accepted)
    assert isinstance(twin, Accepted)
    assert (twin.operation_id, twin.replayed) == (first.operation_id, True)
    assert getattr(refused, "code", "") == "idempotency_key_reused"
    assert Operation.objects.count() == 1


def test_staff_see_what_was_accepted_and_what_became_of_it(alice: WalletIdentity) -> None:
    made = [puts(alice, 1234), takes(alice, 99_999)]
    work()
    browser = staff.superuser()
    listed = browser.get(reverse("admin:wallets_operation_changelist"), {"status__exact": 3})
    text = listed.content.decode()
    assert (listed.status_code, str(made[1]) in text, str(made[0]) in text) == (200, True, False)
    assert "Not enough money is available" in text
    number = Operation.objects.get(operation_id=made[0]).pk
    page = browser.get(reverse("admin:wallets_operation_change", args=[number]))
    assert (page.status_code, str(made[0]) in page.content.decode()) == (200, True)
