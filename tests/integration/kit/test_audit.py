"""What staff do and what they look at is kept, and nothing takes it away."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from tests import staff
from tests.people import fund
from wallet_project.kit import audit
from wallet_project.kit.models import AuditRecord
from wallets.identity import WalletIdentity

CAROL = audit.Actor("staff:7", "carol", "127.0.0.1", "request-1")


@pytest.fixture
def carol(database: None) -> Client:
    """Carol of the finance desk, at her browser."""
    return staff.superuser("carol")


def test_an_act_is_kept_with_who_why_and_where(database: None) -> None:
    freeze = audit.Act("wallet.freeze", "wallets.wallet", "w-1", "police letter", {"version": 3})
    with transaction.atomic():
        audit.record(CAROL, freeze)
    (kept,) = AuditRecord.objects.all()
    assert (kept.actor, kept.actor_name, kept.address) == ("staff:7", "carol", "127.0.0.1")
    assert (kept.action, kept.subject, kept.reason) == ("wallet.freeze", "w-1", "police letter")
    assert (kept.detail, kept.request_id) == ({"version": 3}, "request-1")


def test_an_act_outside_a_transaction_is_refused(database: None) -> None:
    with pytest.raises(RuntimeError, match=r"wallet\.freeze must be recorded within"):
        audit.record(CAROL, audit.Act("wallet.freeze", "wallets.wallet"))
    assert not AuditRecord.objects.exists()


def test_an_act_that_is_rolled_back_leaves_no_record(database: None) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        audit.record(CAROL, audit.Act("wallet.freeze", "wallets.wallet"))
        raise ZeroDivisionError
    assert not AuditRecord.objects.exists()


def test_who_opens_a_wallet_is_noted(carol: Client, alice: WalletIdentity) -> None:
    fund(alice, 100)
    page = carol.get(reverse("admin:wallets_wallet_change", args=[alice.id]))
    assert page.status_code == 200
    kept = AuditRecord.objects.get()
    assert (kept.action, kept.subject, kept.actor_name) == ("wallet.view", str(alice.id), "carol")


def test_who_searches_is_noted(carol: Client, alice: WalletIdentity) -> None:
    carol.get(reverse("admin:wallets_wallet_changelist"), {"q": "alice"})
    kept = AuditRecord.objects.get()
    assert (kept.action, kept.detail) == ("wallet.search", {"term": "alice"})
    carol.get(reverse("admin:wallets_wallet_changelist"))
    assert AuditRecord.objects.count() == 1


def test_who_filters_is_noted_but_not_who_turns_a_page(
    carol: Client, alice: WalletIdentity
) -> None:
    wallets = reverse("admin:wallets_wallet_changelist")
    carol.get(f"{wallets}?q=alice&client={alice.client}&user_id=7&after={alice.id}")
    kept = AuditRecord.objects.get()
    filters = {"client": str(alice.client), "user_id": "7"}
    assert (kept.action, kept.detail) == ("wallet.search", {"term": "alice", "filters": filters})
    carol.get(f"{wallets}?client=1&client=2")
    assert AuditRecord.objects.latest("pk").detail == {"filters": {"client": "1,2"}}
    for place in (f"?after={alice.id}", f"?before={alice.id}"):
        carol.get(wallets + place)
    assert AuditRecord.objects.count() == 2


def test_no_row_is_found_beside_the_lists(carol: Client, alice: WalletIdentity) -> None:
    asked = {"app_label": "wallets", "model_name": "wallet", "field_name": "client", "term": "a"}
    assert carol.get(reverse("admin:autocomplete"), asked).status_code == 404


def test_who_may_not_look_leaves_no_look(database: None, alice: WalletIdentity) -> None:
    page = staff.member("dave").get(reverse("admin:wallets_wallet_change", args=[alice.id]))
    assert page.status_code == 403
    assert not AuditRecord.objects.exists()
