"""Carol asks for suspense to be cleared from the desk's page; Dave approves in the queue."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests.acting import act, act_url
from tests.integration.reconciliation.test_clearing import all_now
from tests.integration.reconciliation.test_differences import ask, differ, suspense
from tests.integration.reconciliation.test_pages import in_role
from tests.people import Company
from wallet_project.kit.admin import money
from wallet_project.kit.audit import Actor
from wallet_project.kit.ids import uuid7
from wallets.approvals.models import Approval
from wallets.approvals.operations.approve import approve
from wallets.identity import WalletIdentity
from wallets.reconciliation.models import SUSPENSE, Item

ITEM = "reconciliation.item"


@pytest.fixture
def maker(acme: Company) -> Client:
    return in_role("carol", "maker")


@pytest.fixture
def fee(acme: Company, alice: WalletIdentity, maker: Client) -> Item:
    differ(acme, alice, 99_50, 100_00)
    approve(approval=ask(_actor(maker, "carol")), by=_actor(in_role("dave", "checker"), "dave"))
    return Item.objects.get(channel=SUSPENSE)


def _actor(browser: Client, name: str) -> Actor:
    return Actor(f"staff:{browser.session['_auth_user_id']}", name)


def form(**more: object) -> dict[str, object]:
    return {
        "target": "fees",
        "amount": "0.20",
        "ticket": "DESK-2",
        "request_id": str(uuid7()),
        **more,
    }


def test_the_way_leads_from_suspense_by_age_to_the_request_and_to_both_entries(
    maker: Client, fee: Item
) -> None:
    page = reverse("admin:reconciliation_item_change", args=[fee.pk])
    assert page in maker.get(reverse("admin:reconciliation_item_suspense")).content.decode()
    assert act_url(ITEM, fee.pk, "clear") in maker.get(page).content.decode()

    asked = act(maker, ITEM, fee.pk, "clear", **form()).content.decode()

    approval = Approval.objects.get(kind="clear_suspense")
    assert (approval.amount_minor, approval.subject) == (20, str(fee.entry))
    for text in (
        "Clear suspense",
        f"{money(20, 'USD')} of {money(50, 'USD')}",
        "fees:USD",
        money(30, "USD"),
    ):
        assert text in asked, text
    assert act_url(ITEM, fee.pk, "clear") not in maker.get(page).content.decode()
    entry = approve(approval=approval.pk, by=_actor(in_role("erin", "checker"), "erin"))
    assert suspense() == [-50, 20]
    for this, other in (
        (fee.entry, entry.transaction_id),
        (entry.transaction_id, fee.entry),
    ):
        shown = maker.get(reverse("admin:ledger_journalentry_change", args=[this]))
        assert reverse("admin:ledger_journalentry_change", args=[other]) in shown.content.decode()


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"amount": "0.51"}, "0.50 USD of the difference is left on suspense"),
        ({"amount": "a lot"}, "amount"),
        ({"amount": "0"}, "above zero"),
        ({"target": "receivables"}, "Select a valid choice"),
        ({"ticket": ""}, "This field is required"),
        ({"reason": ""}, "This field is required"),
    ],
)
def test_a_bad_form_is_told_what_is_wrong_and_asks_for_nothing(
    maker: Client, fee: Item, sent: dict[str, object], told: str
) -> None:
    before = all_now()
    answer = act(maker, ITEM, fee.pk, "clear", **form(**sent))
    assert told in answer.content.decode()
    assert all_now() == before


@pytest.mark.parametrize("role", ["viewer", "checker", "operator"])
def test_others_ask_for_nothing_by_a_crafted_form(fee: Item, role: str) -> None:
    other = in_role("charlie", role)
    before = all_now()
    page = other.get(reverse("admin:reconciliation_item_change", args=[fee.pk])).content.decode()
    assert act_url(ITEM, fee.pk, "clear") not in page
    assert act(other, ITEM, fee.pk, "clear", **form()).status_code == 403
    assert all_now() == before


def test_who_asked_does_not_approve_by_a_crafted_form(maker: Client, fee: Item) -> None:
    act(maker, ITEM, fee.pk, "clear", **form())
    approval = Approval.objects.get(kind="clear_suspense")
    before = all_now()
    act(maker, "approvals.approval", approval.pk, "approve", note="mine")
    assert all_now() == before
    approval.refresh_from_db()
    assert approval.status == "PENDING"
