"""Carol of the staff voids a hold and has a payout tried; nobody says how a payout ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client as Browser
from django.urls import reverse

from tests.acting import (
    REASON,
    act,
    audited,
    queries_of,
)
from tests.consumers import told
from tests.people import Company, asks, books_now, fund
from tests.staff import member
from wallet_project.kit.clock import now
from wallet_project.kit.ids import uuid7
from wallets import verification
from wallets.errors import InsufficientFunds
from wallets.identity import WalletIdentity
from wallets.models import (
    Hold,
    HoldStatus,
    Operation,
    OperationStatus,
    Payout,
    PayoutStatus,
    Wallet,
)
from wallets.operations.place_hold import Expiry, place_hold
from wallets.operations.request_payout import request_payout
from wallets.operations.withdraw import withdraw

VIEWS = (
    *("wallets.view_hold", "wallets.view_payout", "wallets.view_refusal"),
    "wallets.view_operation",
)


@pytest.fixture
def carol(database: None) -> Browser:
    return member("carol", *VIEWS, "wallets.void_hold", "wallets.try_payout")


def hold_of(wallet: WalletIdentity, amount: int) -> Hold:
    made = place_hold(wallet=wallet, request=asks(amount, wallet=wallet), expiry=Expiry())
    return Hold.objects.get(pk=made.id)


def payout_of(wallet: WalletIdentity, amount: int) -> Payout:
    request_payout(wallet=wallet, request=asks(amount, wallet=wallet), destination={"iban": "DE00"})
    return Payout.objects.get()


def make_wait(payout: Payout, status: PayoutStatus, seconds: int = 600) -> None:
    Payout.objects.filter(pk=payout.pk).update(
        status=status, next_attempt_at=now() + timedelta(seconds=seconds), reason="gateway_away"
    )


def test_a_hold_is_voided_once_with_a_reason(alice: WalletIdentity, carol: Browser) -> None:
    fund(alice, 1_000)
    hold = hold_of(alice, 400)

    page = act(carol, "wallets.hold", hold.pk, "void").content.decode()

    assert "is available again" in page
    hold.refresh_from_db()
    assert hold.status == HoldStatus.VOIDED
    assert Wallet.objects.get().held == 0
    assert told(alice.id)[-1].type == "wallet.released.v1"
    assert audited() == [("hold.void", str(hold.pk), REASON)]
    act(carol, "wallets.hold", hold.pk, "void")
    assert len(audited()) == 1
    assert verification.verify().findings == []


def test_a_payouts_hold_is_left_to_its_payout(alice: WalletIdentity, carol: Browser) -> None:
    fund(alice, 1_000)
    payout = payout_of(alice, 400)
    before = books_now()

    page = act(carol, "wallets.hold", payout.pk, "void").content.decode()

    assert "Its payout captures or releases it" in page
    assert books_now() == before
    assert audited() == []


def test_a_payout_that_waits_is_due_at_once(alice: WalletIdentity, carol: Browser) -> None:
    fund(alice, 1_000)
    payout = payout_of(alice, 400)
    make_wait(payout, PayoutStatus.UNKNOWN)

    act(carol, "wallets.payout", payout.pk, "try")

    row = Payout.objects.get()
    assert row.status == PayoutStatus.UNKNOWN, "only the gateway says more"
    assert row.next_attempt_at is not None
    assert row.next_attempt_at <= now()
    assert audited() == [("payout.try", str(payout.pk), REASON)]


@pytest.mark.parametrize("status", [PayoutStatus.SENDING, PayoutStatus.PAID])
def test_a_payout_that_does_not_wait_is_left_alone(
    alice: WalletIdentity, carol: Browser, status: PayoutStatus
) -> None:
    fund(alice, 1_000)
    payout = payout_of(alice, 400)
    make_wait(payout, status)
    before = list(Payout.objects.values())

    act(carol, "wallets.payout", payout.pk, "try")

    assert list(Payout.objects.values()) == before
    assert audited() == []


def test_pages_say_what_there_is_and_whom_a_payout_pays_is_not_said(
    alice: WalletIdentity, carol: Browser
) -> None:
    fund(alice, 1_000)
    payout = payout_of(alice, 400)
    make_wait(payout, PayoutStatus.PENDING)
    list_url = reverse("admin:wallets_payout_changelist")

    found = carol.get(list_url, {"q": str(alice.id)}).content.decode()
    page = carol.get(reverse("admin:wallets_payout_change", args=[payout.pk])).content.decode()

    assert str(payout.pk) in found
    assert "the gateway cannot be reached" in page
    assert "DE00" not in found + page
    assert "Try now" in page


def test_a_refusal_is_told_in_words(alice: WalletIdentity, carol: Browser) -> None:
    fund(alice, 1_000)
    with pytest.raises(InsufficientFunds):
        withdraw(wallet=alice, request=asks(2_000, wallet=alice))

    page = carol.get(reverse("admin:wallets_refusal_changelist")).content.decode()

    assert "Not enough money is available" in page
    assert "insufficient_funds" in page
    assert "10.00\N{NO-BREAK SPACE}USD" in page
    assert "b&#x27;" not in page
    assert 'href="/admin/wallets/refusal/b' not in page


def test_lists_cost_the_same_however_long_they_are(
    alice: WalletIdentity, carol: Browser, client_acme: Company
) -> None:
    fund(alice, 1_000)
    hold_of(alice, 1)
    urls = [reverse(f"admin:wallets_{name}_changelist") for name in ("hold", "payout", "refusal")]
    before = [queries_of(carol, url) for url in urls]

    for _ in range(4):
        hold_of(alice, 1)
        request_payout(wallet=alice, request=asks(1, wallet=alice), destination={})

    assert [queries_of(carol, url) for url in urls] == before


def test_operations_are_told_in_words_and_cost_the_same(
    alice: WalletIdentity, carol: Browser
) -> None:
    url = reverse("admin:wallets_operation_changelist")

    def accept(status: OperationStatus, reason: str = "") -> Operation:
        return Operation.objects.create(
            operation_id=uuid7(),
            client=alice.client,
            actor="key:abc",
            kind="withdrawal",
            wallet=alice.id,
            counterparty=alice.id,
            currency="USD",
            amount=1_250,
            channel="default",
            idempotency_key=uuid7().bytes * 2,
            request_hash=b"x" * 32,
            status=status,
            reason=reason,
            created_at=now(),
        )

    failed = accept(OperationStatus.FAILED, "insufficient_funds")
    before = queries_of(carol, url)
    for _ in range(4):
        accept(OperationStatus.PENDING)

    assert queries_of(carol, url) == before
    page = carol.get(reverse("admin:wallets_operation_change", args=[failed.pk]))
    text = page.content.decode()
    assert "Not enough money is available" in text
    assert "12.50\N{NO-BREAK SPACE}USD" in text
    query = {"q": str(alice.id), "status__exact": "0"}
    waiting = carol.get(url, query).content.decode()
    assert str(failed.operation_id) not in waiting
