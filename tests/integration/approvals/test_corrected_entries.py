"""An adjustment names the entry that it puts right, also one of a month that is closed."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from ledger import queries as books
from ledger.models import JournalEntry
from ledger.periods import keeping
from tests import staff
from tests.http import Api
from tests.integration.approvals.desk import person, user_of
from tests.integration.approvals.test_asking import ask
from tests.integration.approvals.test_corrections import adjustment, sound
from tests.people import Company, asks, balance, books_now, wallet_of
from tests.periods import close, month_ago, roll
from wallet_project.kit.audit import Actor
from wallet_project.kit.clock import now
from wallet_project.kit.errors import DomainError
from wallet_project.kit.ids import uuid7
from wallets.approvals import sealing
from wallets.approvals.models import Approval, Status
from wallets.approvals.operations.approve import approve
from wallets.identity import WalletIdentity
from wallets.operations.deposit import deposit
from wallets.operations.transfer import transfer

MONTH = month_ago(3)
IN_IT = MONTH + timedelta(days=14)


def paid_in(wallet: WalletIdentity, amount: int) -> UUID:
    """Pay minor units in, with a value date that is long past."""
    request = asks(amount, wallet=wallet, value_date=IN_IT)
    return deposit(wallet=wallet, request=request).transaction_id


def entry_page(actor: Actor, entry: object) -> str:
    url = reverse("admin:ledger_journalentry_change", args=[entry])
    return str(staff.sign_in(user_of(actor)).get(url).content.decode())


def test_an_entry_of_a_closed_month_is_corrected_in_an_open_one_and_linked_both_ways(
    client_acme: Company, maker: Actor, checker: Actor, alice: WalletIdentity
) -> None:
    wrong = paid_in(alice, 1_200)
    closed = close(client_acme.id, MONTH)
    frozen = keeping.frozen_figures(closed)
    before = books_now()
    with pytest.raises(DomainError, match="closed through"):
        adjustment(maker, alice, 200, credit=False, corrects=wrong, value_date=IN_IT)
    assert books_now() == before

    made = adjustment(maker, alice, 200, credit=False, corrects=wrong)
    done = approve(approval=made.pk, by=checker)

    assert (done.status, balance(alice)) == (Status.CARRIED_OUT, 1_000)
    entry = JournalEntry.objects.get(pk=done.transaction_id)
    assert entry.value_date == now().date()
    assert books.corrected_by(entry.pk) == wrong
    assert books.corrections_of(wrong) == [entry.pk]
    right, left = entry_page(maker, entry.pk), entry_page(maker, wrong)
    assert "Corrects" in right
    assert f"/{wrong}/change/" in right
    assert f"value date {IN_IT}" in right
    assert "Corrected by" in left
    assert f"/{entry.pk}/change/" in left
    assert "(closed month)" in left
    roll()
    assert keeping.frozen_figures(closed) == frozen
    assert [one.findings for one in keeping.look()] == [()]
    sound()


def test_the_api_tells_what_an_adjustment_corrects(
    client_acme: Company, maker: Actor, checker: Actor, alice: WalletIdentity
) -> None:
    wrong, acme = paid_in(alice, 1_200), Api(client_acme.key)
    linked, plain = adjustment(maker, alice, 5, corrects=wrong), adjustment(maker, alice, 7)
    entries = [approve(approval=one.pk, by=checker).transaction_id for one in (linked, plain)]

    first, second, corrected = (
        acme.get(f"/transactions/{entry}").json for entry in (*entries, wrong)
    )

    assert (first["corrects"], first["reverses"]) == (str(wrong), None)
    assert first["metadata"] == {"reasonCode": "MISSING_CREDIT", "corrects": str(wrong)}
    assert second["corrects"] is corrected["corrects"] is None
    assert second["metadata"] == {"reasonCode": "MISSING_CREDIT"}


def test_the_form_of_an_entrys_page_names_it_and_the_request_tells(
    maker: Actor, checker: Actor, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    wrong = paid_in(alice, 1_200)
    assert f"act/adjust/?corrects={wrong}&amp;wallet={alice.id}" in entry_page(maker, wrong)
    assert "act/adjust/" not in entry_page(checker, wrong)
    form = {
        **{"wallet": str(alice.id), "direction": "DEBIT", "amount": "2.00"},
        **{"account": "suspense", "reason_code": "WRONG_AMOUNT"},
    }

    page = ask(maker, "adjust", corrects=str(wrong), **form).content.decode()

    made = Approval.objects.get()
    assert sealing.payload_of(made)["corrects"] == str(wrong)
    assert "Corrects" in page
    assert f"/{wrong}/change/" in page
    before = books_now()
    for other in ("x", str(uuid7())):
        assert ask(maker, "adjust", corrects=other, **form).status_code == 400
    both = transfer(source=alice, destination=bob, request=asks(1, wallet=alice)).transaction_id
    assert f"act/adjust/?corrects={both}" in entry_page(maker, both)
    assert Approval.objects.count() == 1
    assert books_now()["entries"] == before["entries"] + 1, "the transfer alone"


def test_only_an_entry_of_the_wallet_is_corrected(
    client_globex: Company, maker: Actor, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    theirs = paid_in(wallet_of(client_globex, "zoe"), 100)
    bobs = paid_in(bob, 100)
    before = books_now()
    for entry, sentence in (
        (theirs, "no such transaction"),
        (uuid7(), "no such transaction"),
        (bobs, "did not touch this wallet"),
    ):
        with pytest.raises(DomainError, match=sentence):
            adjustment(maker, alice, 100, corrects=entry)
    assert Approval.objects.count() == 0
    assert books_now() == before


def test_the_link_is_frozen_with_the_request(
    maker: Actor, checker: Actor, alice: WalletIdentity
) -> None:
    wrong, other = paid_in(alice, 1_200), paid_in(alice, 300)
    made = adjustment(maker, alice, 100, corrects=wrong)
    made.payload = made.payload.replace(str(wrong), str(other))
    assert not sealing.is_unaltered(made)

    done = approve(approval=made.pk, by=checker)

    assert books.corrections_of(wrong) == [done.transaction_id]
    assert books.corrections_of(other) == []


def test_an_entry_tells_who_asked_and_who_approved_by_name(
    maker: Actor, checker: Actor, alice: WalletIdentity
) -> None:
    entry = approve(approval=adjustment(maker, alice, 2_00).pk, by=checker).transaction_id

    page = " ".join(re.sub(r"<[^>]*>", " ", entry_page(maker, entry)).split())

    assert f"Asked by carol ({maker.id})" in page
    assert f"Approved by dave ({checker.id})" in page
    listed = reverse("admin:ledger_journalentry_changelist")
    found = staff.sign_in(user_of(checker)).get(listed).content.decode()
    assert f"dave ({checker.id})" in found
    # Whoever may see the books and not who is on the staff reads numbers.
    guest = person("grace")
    user_of(guest).user_permissions.add(
        Permission.objects.get(content_type__app_label="ledger", codename="view_journalentry")
    )
    told = staff.sign_in(user_of(guest)).get(listed).content.decode()
    assert checker.id in told
    assert "dave" not in told


def test_nothing_is_asked_for_in_a_month_that_is_closed(
    maker: Actor, alice: WalletIdentity
) -> None:
    paid_in(alice, 5_00)
    close(alice.client, MONTH)

    with pytest.raises(DomainError, match="closed through") as refused:
        adjustment(maker, alice, 2_00, value_date=IN_IT)

    assert refused.value.field == "value_date"
    assert not Approval.objects.exists()
    adjustment(maker, alice, 2_00, value_date=now().date())


def test_who_decides_is_warned_when_the_month_was_closed_meanwhile(
    maker: Actor, checker: Actor, alice: WalletIdentity
) -> None:
    paid_in(alice, 5_00)
    made = adjustment(maker, alice, 2_00, value_date=IN_IT)
    close(alice.client, MONTH)

    url = reverse("admin:approvals_approval_change", args=[made.pk])
    page = staff.sign_in(user_of(checker)).get(url).content.decode()

    assert "It cannot be carried out" in page
    assert "closed through" in page
    before = books_now()
    assert approve(approval=made.pk, by=checker).status == Status.FAILED
    assert books_now() == before


def test_a_finished_request_says_what_it_did(
    maker: Actor, checker: Actor, alice: WalletIdentity
) -> None:
    made = adjustment(maker, alice, 2_00, value_date=now().date())
    entry = approve(approval=made.pk, by=checker).transaction_id

    url = reverse("admin:approvals_approval_change", args=[made.pk])
    page = staff.sign_in(user_of(checker)).get(url).content.decode()

    shown = page.partition("What it does")[2].partition("</table>")[0]
    for text in ("Credit 2.00 USD", "acme:suspense:USD", str(now().date()), "The balance was 2.00"):
        assert text in shown
    assert reverse("admin:ledger_journalentry_change", args=[entry]) in shown
    assert reverse("admin:wallets_wallet_change", args=[alice.id]) in shown
    assert page.count(reverse("admin:wallets_wallet_change", args=[alice.id])) == 2
    # Today's balance is no part of it: it would be told as the one of then.
    assert "Available" not in shown
