"""Carol corrects what went wrong, Dave approves it; the books stay sound."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from events.models import OutboxEvent
from ledger.models import JournalEntry, Posting
from tests.integration.approvals.desk import person
from tests.people import Company, asks, balance, books_now, fund
from wallet_project.kit.audit import Actor
from wallet_project.kit.errors import DomainError
from wallet_project.kit.models import AuditRecord
from wallets import errors, verification
from wallets.approvals import queries
from wallets.approvals.models import Approval, Status
from wallets.approvals.operations.approve import approve
from wallets.approvals.operations.reject import reject
from wallets.approvals.operations.request_approval import request_approval
from wallets.approvals.registry import Asked
from wallets.corrections import adjustments
from wallets.identity import WalletIdentity
from wallets.models import Client, Plan, Wallet
from wallets.operations._status import StatusRequest
from wallets.operations.close_wallet import close_wallet
from wallets.operations.deposit import deposit
from wallets.operations.freeze_wallet import freeze_wallet
from wallets.operations.transfer import transfer
from wallets.operations.withdraw import withdraw
from wallets.trial_balance import trial_balance

BY_TEST = StatusRequest(actor="key:test")


def adjustment(
    maker: Actor, wallet: WalletIdentity, amount: int, *, credit: bool = True, **more: Any
) -> Approval:
    """Ask for an adjustment of minor units."""
    why = "MISSING_CREDIT" if credit else "DUPLICATE"
    facts: dict[str, Any] = {"account": "suspense", "reason_code": why} | more
    ask = Asked(
        kind="adjustment",
        subject=str(wallet.id),
        reason="the bank sent it twice",
        ticket="DESK-7",
        payload=adjustments.payload(is_credit=credit, **facts),
        client=wallet.client,
        amount=amount,
        currency=wallet.currency,
    )
    return request_approval(ask=ask, by=maker)


def reversal(maker: Actor, wallet: WalletIdentity, entry: Any, amount: int) -> Approval:
    """Ask for a movement to be taken back, so many minor units of it."""
    ask = Asked(
        kind="reversal",
        subject=str(entry),
        reason="the card was stolen",
        ticket="DESK-8",
        client=wallet.client,
        amount=amount,
        currency=wallet.currency,
    )
    return request_approval(ask=ask, by=maker)


def house(code: str) -> int:
    """Sum what stands on a house account, credit positive."""
    return sum(Posting.objects.filter(account__code=code).values_list("amount", flat=True))


def told(wallet: WalletIdentity) -> list[tuple[int | None, str]]:
    rows = OutboxEvent.objects.filter(stream=wallet.id).order_by("sequence")
    return list(rows.values_list("sequence", "type"))


def difference(client: int) -> int:
    return sum(abs(one.debit - one.credit) for one in trial_balance(client, None).currencies)


def sound() -> None:
    """Prove the whole ledger."""
    report = verification.verify()
    assert list(report.findings) == [], report.findings


@pytest.mark.parametrize(
    ("account", "code"),
    [
        ("suspense", "acme:suspense:USD"),
        ("fees", "acme:fees:USD"),
        ("receivables", "acme:receivables:USD"),
        ("external", "acme:external:sepa:USD"),
    ],
)
def test_a_wallet_is_credited_and_debited_against_a_house_account(
    maker: Actor, checker: Actor, alice: WalletIdentity, account: str, code: str
) -> None:
    more: dict[str, Any] = {"account": account, "channel": "sepa", "value_date": date(2026, 1, 15)}
    made = adjustment(maker, alice, 1_000, **more)
    assert (balance(alice), house(code)) == (0, 0)

    done = approve(approval=made.pk, by=checker)

    assert (done.status, done.failure) == (Status.CARRIED_OUT, "")
    assert (balance(alice), house(code)) == (1_000, -1_000)
    entry = JournalEntry.objects.get(pk=done.transaction_id)
    assert (entry.kind, entry.actor, entry.reference) == (
        *("adjustment_credit", checker.id),
        str(made.pk),
    )
    assert entry.value_date == date(2026, 1, 15)
    assert entry.metadata == {"reasonCode": "MISSING_CREDIT"}
    approve(approval=adjustment(maker, alice, 400, credit=False, **more).pk, by=checker)
    assert (balance(alice), house(code)) == (600, -600)
    assert told(alice)[1:] == [(2, "wallet.adjusted.v1"), (3, "wallet.adjusted.v1")]
    noted = AuditRecord.objects.filter(action="wallet.adjust", subject=str(alice.id)).first()
    assert noted is not None
    assert noted.detail["asked_by"] == "carol"
    sound()


def test_an_adjustment_touches_a_frozen_wallet_and_never_a_closed_one(
    maker: Actor, checker: Actor, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    freeze_wallet(wallet=alice, request=BY_TEST)
    waits = adjustment(maker, bob, 500)
    close_wallet(wallet=bob, request=BY_TEST)
    before = books_now()

    done = approve(approval=waits.pk, by=checker)

    assert (done.status, "closed" in done.failure) == (Status.FAILED, True)
    assert books_now() == before
    with pytest.raises(errors.WalletClosed):
        adjustment(maker, bob, 500)
    approve(approval=adjustment(maker, alice, 500).pk, by=checker)
    assert balance(alice) == 500
    assert Wallet.objects.get(pk=alice.id).status == "FROZEN"
    sound()


def test_a_debit_beyond_what_is_there_is_refused_when_asked_and_when_done(
    maker: Actor, checker: Actor, alice: WalletIdentity
) -> None:
    fund(alice, 1_000)
    with pytest.raises(errors.InsufficientFunds):
        adjustment(maker, alice, 1_001, credit=False)
    made = adjustment(maker, alice, 1_000, credit=False)
    withdraw(wallet=alice, request=asks(1, wallet=alice))
    before = books_now()

    done = approve(approval=made.pk, by=checker)

    assert done.status == Status.FAILED
    assert "9.99" in done.failure
    assert books_now() == before


def test_what_is_rejected_moves_nothing(
    maker: Actor, checker: Actor, alice: WalletIdentity
) -> None:
    made = adjustment(maker, alice, 1_000)
    before = books_now()
    reject(approval=made.pk, by=checker, note="no slip")
    assert books_now() == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"account": "pockets"},
        {"reason_code": "WHIM"},
        {"account": "external", "channel": "No Channel!"},
        {"value_date": date(2200, 1, 1)},
    ],
)
def test_an_adjustment_that_could_never_be_made_cannot_be_asked_for(
    maker: Actor, alice: WalletIdentity, wrong: dict[str, Any]
) -> None:
    with pytest.raises(DomainError):
        adjustment(maker, alice, 100, **wrong)
    assert Approval.objects.count() == 0


def test_of_another_clients_wallet_there_is_nothing_to_adjust(
    maker: Actor, alice: WalletIdentity, charlie: WalletIdentity
) -> None:
    ask = Asked(
        "adjustment",
        str(charlie.id),
        *("why", "T-1"),
        adjustments.payload(is_credit=True, account="suspense", reason_code="OTHER"),
        client=alice.client,
        amount=1,
        currency="USD",
    )
    with pytest.raises(errors.WalletNotFound):
        request_approval(ask=ask, by=maker)


def test_a_movement_is_taken_back_in_parts_and_never_beyond_what_is_left(
    maker: Actor, checker: Actor, alice: WalletIdentity
) -> None:
    paid_in = deposit(wallet=alice, request=asks(1_000, wallet=alice)).transaction_id
    waits = [reversal(maker, alice, paid_in, amount) for amount in (600, 400, 500)]

    ends = [approve(approval=made.pk, by=checker) for made in waits]

    assert [end.status for end in ends] == ["CARRIED_OUT", "CARRIED_OUT", "FAILED"]
    assert balance(alice) == 0
    with pytest.raises(errors.ReversalTooLarge):
        reversal(maker, alice, paid_in, 1)
    with pytest.raises(errors.NotReversible):
        reversal(maker, alice, ends[0].transaction_id, 1)
    sound()


def test_what_is_spent_is_not_taken_back_unless_the_checker_allows_it(
    maker: Actor, checker: Actor, alice: WalletIdentity
) -> None:
    paid_in = deposit(wallet=alice, request=asks(1_000, wallet=alice)).transaction_id
    withdraw(wallet=alice, request=asks(700, wallet=alice))
    before = books_now()
    refused = approve(approval=reversal(maker, alice, paid_in, 1_000).pk, by=checker)
    assert (refused.status, books_now()) == (Status.FAILED, before)

    made = reversal(maker, alice, paid_in, 1_000)
    done = approve(approval=made.pk, by=checker, allow={"shortfall"})

    assert done.status == Status.CARRIED_OUT
    assert "7.00 USD of it is owed on receivables" in done.outcome
    assert balance(alice) == 0
    assert house("acme:receivables:USD") == -700
    assert house("acme:external:default:USD") == 700
    kinds = JournalEntry.objects.filter(reference=str(made.pk)).order_by("id")
    assert list(kinds.values_list("kind", flat=True)) == ["shortfall", "deposit_reversal"]
    first = kinds[0]
    assert first.metadata == {"takesBack": str(paid_in)}
    assert told(alice)[-2:] == [(4, "wallet.adjusted.v1"), (5, "wallet.reversed.v1")]
    assert difference(alice.client) == 0
    sound()


def test_a_transfer_that_was_spent_is_taken_from_its_destination(
    maker: Actor, checker: Actor, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    fund(alice, 1_000)
    sent = transfer(source=alice, destination=bob, request=asks(1_000, wallet=alice))
    withdraw(wallet=bob, request=asks(250, wallet=bob))
    freeze_wallet(wallet=bob, request=BY_TEST)

    made = reversal(maker, alice, sent.transaction_id, 900)
    done = approve(approval=made.pk, by=checker, allow={"shortfall"})

    assert done.status == Status.CARRIED_OUT
    assert (balance(alice), balance(bob)) == (900, 0)
    assert house("acme:receivables:USD") == -150
    sound()


def test_a_shortfall_that_is_allowed_and_not_there_stands_nowhere(
    maker: Actor, checker: Actor, alice: WalletIdentity
) -> None:
    paid_in = deposit(wallet=alice, request=asks(1_000, wallet=alice)).transaction_id
    made = reversal(maker, alice, paid_in, 1_000)
    approve(approval=made.pk, by=checker, allow={"shortfall"})
    assert (balance(alice), house("acme:receivables:USD")) == (0, 0)
    assert JournalEntry.objects.filter(kind="shortfall").count() == 0


def test_a_reversal_whose_process_dies_is_done_once(
    maker: Actor, checker: Actor, alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    from wallets.approvals.operations import _carrying
    from wallets.approvals.operations.carry_out_due import carry_out_due

    paid_in = deposit(wallet=alice, request=asks(1_000, wallet=alice)).transaction_id
    withdraw(wallet=alice, request=asks(700, wallet=alice))
    made = reversal(maker, alice, paid_in, 1_000)

    def die(*args: Any, **more: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(_carrying, "_finish", die)
        with pytest.raises(KeyboardInterrupt):
            approve(approval=made.pk, by=checker, allow={"shortfall"})
    assert queries.get(made.pk).status == Status.APPROVED
    after_the_effect = books_now()

    assert carry_out_due(rested=timedelta(0)) == 1

    found = queries.get(made.pk)
    assert (found.status, books_now()) == (Status.CARRIED_OUT, after_the_effect)
    assert "7.00 USD of it is owed" in found.outcome
    sound()


def test_unfreezing_and_plans_wait_for_a_second_person(
    maker: Actor, checker: Actor, alice: WalletIdentity, client_acme: Company
) -> None:
    freeze_wallet(wallet=alice, request=BY_TEST)
    unfreeze = request_approval(
        ask=Asked("unfreeze_wallet", str(alice.id), "it was her", "T-1", client=alice.client),
        by=maker,
    )
    plan = request_approval(
        ask=Asked(
            "change_plan", str(client_acme.id), "grew", "T-2", {"plan": "default"}, client_acme.id
        ),
        by=maker,
    )
    assert Wallet.objects.get(pk=alice.id).status == "FROZEN"

    assert approve(approval=unfreeze.pk, by=checker).status == Status.CARRIED_OUT
    assert approve(approval=plan.pk, by=checker).status == Status.CARRIED_OUT

    assert Wallet.objects.get(pk=alice.id).status == "ACTIVE"
    assert Client.objects.get(pk=client_acme.id).plan == Plan.objects.get(name="default")
    acts = set(AuditRecord.objects.values_list("action", "actor_name"))
    assert {("wallet.unfreeze", "dave"), ("client.change_plan", "dave")} <= acts


def test_nobody_asks_for_what_his_role_may_not(alice: WalletIdentity) -> None:
    for role in ("viewer", "checker", "operator", "auditor"):
        with pytest.raises(DomainError):
            adjustment(person(role, role), alice, 100)
    assert Approval.objects.count() == 0


def test_the_page_tells_before_and_after(
    maker: Actor, checker: Actor, alice: WalletIdentity
) -> None:
    from wallets.approvals import registry

    paid_in = deposit(wallet=alice, request=asks(1_000, wallet=alice)).transaction_id
    withdraw(wallet=alice, request=asks(700, wallet=alice))
    made = reversal(maker, alice, paid_in, 1_000)
    lines = {one.label: (one.now, one.after) for one in registry.find("reversal").describe(made)}
    assert lines["Balance"] == ("3.00 USD", "0.00 USD")
    assert lines["Can be taken back"] == ("10.00 USD", "0.00 USD")
    assert lines["Spent already"][0] == "7.00 USD"
