"""The saga of a payout: whoever dies where, each is paid once or released once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connections
from prometheus_client import REGISTRY

from tests.consumers import told
from tests.gateway import client_of, sandbox
from tests.people import asks, balance, fund
from wallets import tasks, verification
from wallets.errors import InsufficientFunds
from wallets.identity import WalletIdentity
from wallets.models import OPEN, Hold, Payout, PayoutStatus, Wallet
from wallets.operations._status import StatusRequest
from wallets.operations.freeze_wallet import freeze_wallet
from wallets.operations.request_payout import request_payout
from wallets.operations.unfreeze_wallet import unfreeze_wallet
from wallets.payouts import saga
from wallets.payouts.gateway import (
    Declined,
    Gateway,
    GatewayAway,
    InProgress,
    NeverSeen,
    OutcomeUnknown,
    Paid,
    Payment,
    Said,
)
from wallets.payouts.sandbox import Mood, Sandbox

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
STAFF = StatusRequest(actor="key:test")


@pytest.fixture(autouse=True)
def sound(alice: WalletIdentity) -> Iterator[None]:
    fund(alice, 10_000)
    yield
    assert verification.verify().findings == []


@pytest.fixture
def server() -> Iterator[Sandbox]:
    with sandbox() as found:
        yield found


class Dies(BaseException):
    """Stands for the death of the process, where it is hardest: nothing runs after it."""


class Scripted:
    """A gateway that says what it is told to; an exception is raised."""

    def __init__(self, *said: Any) -> None:
        self._said = list(said)
        self.asked: list[str] = []

    def pay(self, payment: Payment) -> Said:
        self.asked.append("pay")
        said: Said = self._next()
        return said

    def find(self, key: UUID) -> Any:
        self.asked.append("find")
        return self._next()

    def _next(self) -> Any:
        said = self._said.pop(0)
        if isinstance(said, BaseException):
            raise said
        return said


def request(wallet: WalletIdentity, amount: int = 1_000) -> UUID:
    made = request_payout(
        wallet=wallet, request=asks(amount, wallet=wallet), destination={"iban": "x"}
    )
    return made.id


def resume(payout: UUID, gateway: Gateway) -> str:
    """Take the next steps as if the time for them had come; tell the status after them."""
    Payout.objects.filter(pk=payout, next_attempt_at__isnull=False).update(next_attempt_at=LONG_AGO)
    saga.advance(payout, gateway)
    return str(Payout.objects.get(pk=payout).status)


def messages(wallet: WalletIdentity) -> list[tuple[str, dict[str, Any]]]:
    """Read what the outbox tells of a wallet's payouts: types without their frame, and values."""
    found = told(wallet.id, topic=settings.KAFKA_TOPIC_PAYOUTS)
    return [(one.type.split(".")[1], json.loads(one.value)) for one in found]


def types(wallet: WalletIdentity) -> list[str]:
    return [type_ for type_, _ in messages(wallet)]


@pytest.mark.parametrize(
    ("said", "asked", "status"),
    [
        ([Paid("r")], ["pay"], "PAID"),
        ([Declined("no")], ["pay"], "REFUSED"),
        ([GatewayAway()], ["pay"], "PENDING"),
        ([OutcomeUnknown()], ["pay"], "UNKNOWN"),
        ([InProgress()], ["pay"], "UNKNOWN"),
        ([OutcomeUnknown(), Paid("r")], ["pay", "find"], "PAID"),
        ([OutcomeUnknown(), Declined("no")], ["pay", "find"], "REFUSED"),
        ([OutcomeUnknown(), InProgress()], ["pay", "find"], "UNKNOWN"),
        ([OutcomeUnknown(), GatewayAway()], ["pay", "find"], "UNKNOWN"),
        ([OutcomeUnknown(), OutcomeUnknown()], ["pay", "find"], "UNKNOWN"),
        ([OutcomeUnknown(), NeverSeen(), Paid("r")], ["pay", "find", "pay"], "PAID"),
        ([GatewayAway(), GatewayAway(), Paid("r")], ["pay", "pay", "pay"], "PAID"),
        ([Dies(), Paid("r")], ["pay", "find"], "PAID"),
        ([OutcomeUnknown(), Dies(), Declined("no")], ["pay", "find", "find"], "REFUSED"),
    ],
)
def test_what_the_gateway_says_is_what_happens(
    alice: WalletIdentity, said: list[Any], asked: list[str], status: str
) -> None:
    payout, gateway = request(alice), Scripted(*said)
    for _ in said:
        try:
            found = resume(payout, gateway)
        except Dies:
            connections.close_all()
        if len(gateway.asked) == len(asked):
            break
    assert gateway.asked == asked
    assert found == status
    hold = Hold.objects.get(pk=payout)
    expected = {"PAID": ("CAPTURED", 9_000), "REFUSED": ("VOIDED", 10_000)}
    assert (hold.status, balance(alice)) == expected.get(status, ("ACTIVE", 10_000))
    had_to_wait = any(isinstance(one, GatewayAway | OutcomeUnknown) for one in said)
    assert types(alice) == [
        "requested",
        *(["delayed"] if had_to_wait else []),
        *([status.lower()] if status in expected else []),
    ]


def test_each_state_is_told_with_what_belongs_to_it(alice: WalletIdentity) -> None:
    paid, refused = request(alice, 1_000), request(alice, 2_500)
    resume(paid, Scripted(Paid("r")))
    resume(refused, Scripted(Declined("account_closed")))

    first, second, third, fourth = messages(alice)
    assert {name: first[1][name] for name in ("payoutId", "walletId", "currency", "amount")} == {
        "payoutId": str(paid),
        "walletId": str(alice.id),
        "currency": "USD",
        "amount": "10.00",
    }
    assert "iban" not in str(messages(alice))
    entry = Payout.objects.get(pk=paid).entry
    assert (third[0], third[1]["transactionId"]) == ("paid", str(entry))
    assert (fourth[0], fourth[1]["reason"]) == ("refused", "account_closed")
    assert (second[1]["payoutId"], fourth[1]["payoutId"]) == (str(refused), str(refused))
    rows = told(alice.id, topic=settings.KAFKA_TOPIC_PAYOUTS)
    assert {row.client for row in rows} == {alice.client}


def test_a_request_that_is_refused_or_repeated_tells_nothing(alice: WalletIdentity) -> None:
    with pytest.raises(InsufficientFunds):
        request(alice, 10_001)
    assert messages(alice) == []
    asked = asks(1_000, wallet=alice)
    for _ in range(2):
        request_payout(wallet=alice, request=asked, destination={})
    assert types(alice) == ["requested"]


def test_a_delay_is_told_once_with_the_time_of_the_next_attempt(alice: WalletIdentity) -> None:
    payout = request(alice)
    resume(payout, Scripted(GatewayAway()))
    ((_, _), (_, delay)) = messages(alice)
    row = Payout.objects.get(pk=payout)
    assert (row.reason, row.delayed_at is not None) == ("gateway_away", True)
    assert row.next_attempt_at is not None
    assert delay["reason"] == "gateway_away"
    assert datetime.fromisoformat(delay["nextAttemptAt"]) == row.next_attempt_at

    resume(payout, Scripted(GatewayAway()))
    resume(payout, Scripted(OutcomeUnknown()))
    assert types(alice) == ["requested", "delayed"]


def test_nothing_is_told_of_a_step_that_somebody_else_has_taken(alice: WalletIdentity) -> None:
    payout = request(alice)
    stale = Payout.objects.get(pk=payout)
    resume(payout, Scripted(GatewayAway()))
    saga._wait(stale, PayoutStatus.PENDING, "gateway_away")
    assert types(alice) == ["requested", "delayed"]


def test_a_move_and_its_message_stand_or_fall_together(
    alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    payout = request(alice)

    def fails(*_: Any) -> None:
        raise Dies

    with monkeypatch.context() as patch, pytest.raises(Dies):
        patch.setattr("wallets.payouts.saga.outbox.record_messages", fails)
        resume(payout, Scripted(GatewayAway()))
    row = Payout.objects.get(pk=payout)
    assert (row.status, row.delayed_at) == ("SENDING", None)
    assert types(alice) == ["requested"]


@pytest.mark.parametrize(("said", "end"), [(Paid("r"), "PAID"), (Declined("no"), "REFUSED")])
def test_a_worker_that_dies_after_the_books_knew_changes_nothing(
    alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch, said: Said, end: str
) -> None:
    payout = request(alice)

    def dies(*_: Any, **__: Any) -> bool:
        raise Dies

    with monkeypatch.context() as patch, pytest.raises(Dies):
        patch.setattr(saga, "_end", dies)
        resume(payout, Scripted(said))
    assert Hold.objects.get(pk=payout).status != "ACTIVE"
    assert Payout.objects.get(pk=payout).status in ("CAPTURING", "RELEASING")

    assert resume(payout, Scripted()) == end
    assert balance(alice) == (9_000 if end == "PAID" else 10_000)


def test_a_step_in_hand_is_left_alone_until_it_counts_as_lost(alice: WalletIdentity) -> None:
    payout = request(alice)
    with pytest.raises(Dies):
        resume(payout, Scripted(Dies()))
    connections.close_all()
    saga.advance(payout, Scripted())
    assert Payout.objects.get(pk=payout).status == "SENDING"
    assert payout not in saga.due(limit=10)


def test_the_word_of_a_worker_that_came_too_late_does_not_count(alice: WalletIdentity) -> None:
    payout = request(alice)

    class Slow(Scripted):
        def pay(self, payment: Payment) -> Said:
            assert resume(payout, Scripted(NeverSeen(), Paid("second"))) == "PAID"
            return Paid("first")

    saga.advance(payout, Slow())
    row = Payout.objects.get(pk=payout)
    assert (row.status, row.gateway_reference) == ("PAID", "second")
    assert balance(alice) == 9_000


def test_many_workers_take_each_step_once(alice: WalletIdentity, server: Sandbox) -> None:
    payouts = [request(alice, 100) for _ in range(6)]

    def works(_: int) -> None:
        try:
            for payout in payouts:
                saga.advance(payout, client_of(server.url))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(works, range(4)))
    assert set(Payout.objects.values_list("status", flat=True)) == {"PAID"}
    assert set(server.ledger.asked.values()) == {1}
    assert balance(alice) == 9_400


def test_a_frozen_wallets_payout_waits(alice: WalletIdentity, server: Sandbox) -> None:
    payout = request(alice)
    freeze_wallet(wallet=alice, request=STAFF)
    assert resume(payout, client_of(server.url)) == "PENDING"
    assert Payout.objects.get(pk=payout).reason == "wallet_frozen"
    assert server.ledger.asked == {}
    unfreeze_wallet(wallet=alice, request=STAFF)
    assert resume(payout, client_of(server.url)) == "PAID"


def test_what_was_paid_is_booked_although_the_wallet_was_frozen_meanwhile(
    alice: WalletIdentity,
) -> None:
    payout = request(alice)
    assert resume(payout, Scripted(OutcomeUnknown())) == "UNKNOWN"
    freeze_wallet(wallet=alice, request=STAFF)
    assert resume(payout, Scripted(Paid("r"))) == "PAID"
    assert (balance(alice), Wallet.objects.get(pk=alice.id).status) == (9_000, "FROZEN")


@pytest.mark.parametrize(
    ("mood", "said"),
    [
        (Mood(), Paid("pay-1")),
        (Mood(twice=100), Paid("pay-1")),
        (Mood(refuse=100), Declined("account_closed")),
        (Mood(pending=100), InProgress()),
        (Mood(lose=100), OutcomeUnknown),
        (Mood(fail=100), OutcomeUnknown),
        (Mood(fail_late=100), OutcomeUnknown),
        (Mood(garbage=100), OutcomeUnknown),
        (Mood(slow=100, slow_milliseconds=500), OutcomeUnknown),
    ],
)
def test_the_client_understands_every_mood_of_the_gateway(
    alice: WalletIdentity, server: Sandbox, mood: Mood, said: Any
) -> None:
    server.mood = mood
    gateway = client_of(server.url, timeout_seconds=0.2)
    key = UUID(int=7)
    payment = Payment(key, "1.00", "USD", "default", "", {"iban": "x"})
    if isinstance(said, type):
        with pytest.raises(said):
            gateway.pay(payment)
    else:
        assert gateway.pay(payment) == said
    server.mood = Mood()
    found = gateway.find(key)
    if isinstance(said, Declined):
        assert found == said
    elif mood.fail:
        assert isinstance(found, NeverSeen)
    elif not mood.slow:
        assert found == Paid("pay-1")


def test_a_gateway_that_is_away_was_sent_nothing(alice: WalletIdentity) -> None:
    with sandbox() as gone:
        url = gone.url
    gateway = client_of(url)
    for _ in range(2):
        with pytest.raises(GatewayAway):
            gateway.find(UUID(int=7))
    payout = request(alice)
    stop = threading.Event()
    stop.set()
    assert resume(payout, gateway) == "PENDING"


def test_open_payouts_are_counted_and_the_latest_is_timed(alice: WalletIdentity) -> None:
    ended, unknown, late = (request(alice) for _ in range(3))
    resume(ended, Scripted(Paid("r")))
    resume(unknown, Scripted(OutcomeUnknown()))
    tasks.advance_payouts()  # without a gateway: measures, and takes no step
    assert _gauge("wallet_payouts_overdue_seconds") < 60
    Payout.objects.filter(pk=late).update(next_attempt_at=LONG_AGO)
    tasks.advance_payouts()

    found = {status.value: _gauge("wallet_payouts_open", status=status.value) for status in OPEN}
    assert found == {"PENDING": 1, "SENDING": 0, "UNKNOWN": 1, "CAPTURING": 0, "RELEASING": 0}
    assert _gauge("wallet_payouts_overdue_seconds") > 365 * 24 * 3600


def _gauge(name: str, **labels: str) -> float:
    found = REGISTRY.get_sample_value(name, labels)
    assert found is not None
    return found
