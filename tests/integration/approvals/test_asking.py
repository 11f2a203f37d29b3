"""Carol asks on the pages of wallets and entries; what she sends stands in the queue."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from tests import staff
from tests.integration.approvals.desk import person, user_of
from tests.integration.approvals.test_corrections import adjustment, reversal
from tests.people import Company, asks, balance, books_now, fund
from wallet_project.kit import audit
from wallet_project.kit.audit import Actor
from wallet_project.kit.ids import uuid7
from wallets import errors
from wallets.approvals.models import Approval, Status
from wallets.approvals.operations.approve import approve
from wallets.identity import WalletIdentity
from wallets.models import BalanceRebuild, Wallet
from wallets.operations._status import StatusRequest
from wallets.operations.deposit import deposit
from wallets.operations.freeze_wallet import freeze_wallet
from wallets.operations.unfreeze_wallet import unfreeze_wallet
from wallets.operations.withdraw import withdraw

WORDS = {"reason": "the bank sent it twice", "ticket": "DESK-7"}


def ask(actor: Actor, act: str, **form: Any) -> Any:
    browser = staff.sign_in(user_of(actor))
    url = reverse("admin:approvals_approval_list_act", args=[act])
    assert browser.get(url).status_code in (200, 403)
    return browser.post(url, {**WORDS, "request_id": str(uuid7()), **form}, follow=True)


def the_request() -> Approval:
    return Approval.objects.get()


def test_an_adjustment_is_asked_for_by_a_form(maker: Actor, alice: WalletIdentity) -> None:
    form = {
        "wallet": str(alice.id),
        "direction": "CREDIT",
        "amount": "12.34",
        "account": "suspense",
        "reason_code": "MISSING_CREDIT",
        "value_date": "2026-01-15",
    }
    before = books_now()
    answer = ask(maker, "adjust", **form)
    made = the_request()
    assert answer.redirect_chain[-1][0].endswith(f"/{made.pk}/change/")
    page = answer.content.decode()
    for text in ("12.34", "acme:suspense:USD", "MISSING_CREDIT", "2026-01-15", "the bank sent it"):
        assert text in page
    assert (made.amount_minor, made.currency, made.subject) == (1234, "USD", str(alice.id))
    assert books_now() == before
    for wrong in ({"amount": "1.234"}, {"amount": "-1"}, {"wallet": str(uuid7())}, {"ticket": ""}):
        assert ask(maker, "adjust", **form | wrong).status_code == 400
    assert Approval.objects.count() == 1


def test_a_reversal_is_asked_for_on_the_entrys_page(
    maker: Actor, checker: Actor, alice: WalletIdentity
) -> None:
    paid_in = deposit(wallet=alice, request=asks(1_000, wallet=alice)).transaction_id
    carol = staff.sign_in(user_of(maker))
    page = carol.get(reverse("admin:ledger_journalentry_change", args=[paid_in])).content.decode()
    assert f"act/reverse/?entry={paid_in}" in page
    form = carol.get(
        reverse("admin:approvals_approval_list_act", args=["reverse"]), {"entry": str(paid_in)}
    )
    assert f'value="{paid_in}"' in form.content.decode()

    ask(maker, "reverse", entry=str(paid_in))

    made = the_request()
    assert made.amount_minor == 1_000, "all that is left"
    done = approve(approval=made.pk, by=checker)
    entry = reverse("admin:ledger_journalentry_change", args=[done.transaction_id])
    assert str(made.pk) in carol.get(entry).content.decode()
    listed = carol.get(
        reverse("admin:approvals_approval_changelist"), {"subject": str(paid_in), "status": "all"}
    )
    assert str(made.pk) in listed.content.decode()


def test_the_chain_of_a_reversal_of_spent_money_is_shown(
    maker: Actor, checker: Actor, alice: WalletIdentity
) -> None:
    paid_in = deposit(wallet=alice, request=asks(1_000, wallet=alice)).transaction_id
    withdraw(wallet=alice, request=asks(700, wallet=alice))
    made = reversal(maker, alice, paid_in, 1_000)
    dave = staff.sign_in(user_of(checker))
    page = dave.get(reverse("admin:approvals_approval_change", args=[made.pk])).content.decode()
    assert "let it stand on the client" in page
    assert "acme:receivables:USD" in page

    approve(approval=made.pk, by=checker, allow={"shortfall"})

    from ledger.models import JournalEntry

    cover = JournalEntry.objects.get(kind="shortfall")
    page = dave.get(reverse("admin:ledger_journalentry_change", args=[cover.pk])).content.decode()
    assert f"/{paid_in}/change/" in page
    assert f"/{made.pk}/change/" in page


@pytest.mark.parametrize("role", ["viewer", "checker", "operator", "auditor"])
def test_who_may_not_ask_has_no_form(alice: WalletIdentity, role: str) -> None:
    other = person(role, role)
    for act in ("adjust", "reverse", "unfreeze", "plan", "rebuild", "pause", "resume"):
        assert ask(other, act, wallet=str(alice.id)).status_code == 403
    assert Approval.objects.count() == 0


def test_a_frozen_wallet_and_another_plan_are_asked_for(
    maker: Actor, alice: WalletIdentity, client_acme: Company
) -> None:
    assert ask(maker, "unfreeze", wallet=str(alice.id)).status_code == 400
    freeze_wallet(wallet=alice, request=StatusRequest(actor="key:test"))
    carol = staff.sign_in(user_of(maker))
    page = carol.get(reverse("admin:wallets_wallet_change", args=[alice.id])).content.decode()
    assert f"act/unfreeze/?wallet={alice.id}" in page
    assert ask(maker, "unfreeze", wallet=str(alice.id)).status_code == 200
    assert ask(maker, "plan", client="acme", plan="default").status_code == 200
    assert ask(maker, "plan", client="nobody", plan="default").status_code == 400
    assert sorted(Approval.objects.values_list("kind", flat=True)) == [
        "change_plan",
        "unfreeze_wallet",
    ]


def test_who_froze_a_wallet_does_not_unfreeze_it(alice: WalletIdentity, checker: Actor) -> None:
    root = person("root", is_superuser=True)
    freeze_wallet(wallet=alice, request=StatusRequest(actor=root.id, reason="x", staff=root))
    assert audit.last_actor("wallet.freeze", "wallets.wallet", str(alice.id)) == root.id
    before = books_now()

    with pytest.raises(errors.SamePerson):
        unfreeze_wallet(wallet=alice, request=StatusRequest(actor=root.id, reason="x", staff=root))

    assert books_now() == before
    by_other = StatusRequest(actor=checker.id, reason="x", staff=checker)
    assert unfreeze_wallet(wallet=alice, request=by_other).status == "ACTIVE"


def rebuild(*words: str) -> str:
    out = StringIO()
    call_command(
        "rebuild_balances", "--no-input", "--reason", "spoilt", *words, stdout=out, stderr=out
    )
    return out.getvalue()


def test_a_large_rebuild_takes_an_approval_that_is_used_once(
    maker: Actor, checker: Actor, alice: WalletIdentity, bob: WalletIdentity, settings: Any
) -> None:
    fund(alice, 100)
    settings.REBUILD_UNAPPROVED_WALLETS = 1
    with pytest.raises(CommandError, match="second person"):
        rebuild()
    rebuild("--dry-run")
    rebuild("--wallet", str(alice.id))
    ask(maker, "rebuild")
    made = the_request()
    with pytest.raises(CommandError, match="waiting"):
        rebuild("--approval", str(made.pk))
    done = approve(approval=made.pk, by=checker)
    assert str(made.pk) in done.outcome
    with pytest.raises(CommandError, match="all clients"):
        rebuild("--client", "acme", "--approval", str(made.pk))

    rebuild("--approval", str(made.pk))

    assert BalanceRebuild.objects.filter(reason__endswith=f"[approval {made.pk}]").count() == 1
    with pytest.raises(CommandError, match="has ended"):
        rebuild("--approval", str(made.pk))
    assert balance(alice) == 100


def test_a_request_of_a_frozen_wallets_adjustment_is_told_as_it_would_be(
    maker: Actor, alice: WalletIdentity
) -> None:
    fund(alice, 1_000)
    made = adjustment(maker, alice, 400, credit=False)
    assert made.status == Status.PENDING
    page = staff.sign_in(user_of(maker)).get(
        reverse("admin:approvals_approval_change", args=[made.pk])
    )
    assert "10.00 USD" in page.content.decode()
    assert "6.00 USD" in page.content.decode()


def test_an_adjustment_names_its_wallet_by_reference_and_tells_what_it_has(
    maker: Actor, alice: WalletIdentity
) -> None:
    fund(alice, 27_00)
    reference = Wallet.objects.get(pk=alice.id).reference
    url = reverse("admin:approvals_approval_list_act", args=["adjust"])
    page = staff.sign_in(user_of(maker)).get(url, {"wallet": reference}).content.decode()

    assert f"{reference} of acme: balance 27.00" in page
    assert 'type="date"' in page
    assert page.count('<option value="" selected') == 3

    form = {"wallet": reference, "direction": "CREDIT", "amount": "1", "account": "suspense"}
    ask(maker, "adjust", **form, reason_code="MISSING_CREDIT")
    assert the_request().subject == str(alice.id)


def test_a_debit_is_not_asked_for_with_the_reason_of_a_credit(
    maker: Actor, alice: WalletIdentity
) -> None:
    fund(alice, 27_00)
    form = {"wallet": str(alice.id), "direction": "DEBIT", "amount": "1", "account": "suspense"}
    before = books_now()

    told = ask(maker, "adjust", **form, reason_code="MISSING_CREDIT")

    assert told.status_code == 400
    assert "missing credit is a reason for a credit" in told.content.decode()
    assert (Approval.objects.count(), books_now()) == (0, before)
    assert ask(maker, "adjust", **form, reason_code="DUPLICATE").status_code == 200
