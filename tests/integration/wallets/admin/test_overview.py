"""The list of wallets and the page of one."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from html import unescape

from django.conf import settings
from django.test import Client
from django.urls import reverse

from events.consumers.fraud.models import Action, FraudAlert, RuleName
from events.consumers.notifications.models import Kind, Notification
from events.models import OutboxEvent
from tests import staff
from tests.integration.wallets.admin.pages import address, queries, text
from tests.people import Company, asks, books_now, fund, wallet_of
from wallet_project.kit.clock import now
from wallet_project.kit.ids import uuid7
from wallet_project.kit.models import AuditRecord
from wallets.identity import WalletIdentity
from wallets.models import Operation, OperationStatus, Payout, Wallet
from wallets.operations.place_hold import Expiry, place_hold
from wallets.operations.request_payout import request_payout
from wallets.operations.transfer import transfer

LIST = "admin:wallets_wallet_changelist"


def places(wallet: WalletIdentity, amount: int, *, seconds: float | None = None) -> None:
    expiry = Expiry(after=None if seconds is None else timedelta(seconds=seconds))
    place_hold(wallet=wallet, request=asks(amount, wallet=wallet), expiry=expiry)


def pays_out(wallet: WalletIdentity, amount: int) -> Payout:
    made = request_payout(
        wallet=wallet, request=asks(amount, wallet=wallet), destination={"iban": "GB33BUKB"}
    )
    return Payout.objects.get(pk=made.id)


def is_suspected(wallet: WalletIdentity) -> FraudAlert:
    return FraudAlert.objects.create(
        rule=RuleName.HIGH_VALUE,
        wallet=wallet.id,
        client=wallet.client,
        currency="USD",
        trigger_id=uuid7(),
        triggered_at=now(),
        action=Action.REVIEW,
        evidence={"events": [], "numbers": {}},
        raised_at=now(),
    )


def is_told(wallet: WalletIdentity) -> Notification:
    return Notification.objects.create(
        event_id=uuid7(),
        kind=Kind.LOW_BALANCE,
        wallet=wallet.id,
        channel="mail",
        numbers={},
        created_at=now(),
        sent_at=now(),
    )


def is_asked(wallet: WalletIdentity) -> Operation:
    return Operation.objects.create(
        operation_id=uuid7(),
        client=wallet.client,
        actor="key:test",
        kind="withdrawal",
        wallet=wallet.id,
        counterparty=uuid7(),
        currency="USD",
        amount=1_250,
        channel="default",
        idempotency_key=uuid7().bytes * 2,
        request_hash=b"0" * 32,
        status=OperationStatus.FAILED,
        reason="insufficient_funds",
        created_at=now(),
    )


def test_the_list_tells_balance_held_and_available(carol: Client, alice: WalletIdentity) -> None:
    fund(alice, 10_000)
    places(alice, 2_500)
    page = text(carol, reverse(LIST))
    assert "alice user-alice acme ACTIVE 100.00 USD 25.00 USD 75.00 USD" in page
    assert " UTC" in page


def test_a_hold_whose_time_has_passed_counts_nowhere(carol: Client, alice: WalletIdentity) -> None:
    fund(alice, 10_000)
    places(alice, 2_500, seconds=0.2)
    time.sleep(0.3)
    assert "100.00 USD 0.00 USD 100.00 USD" in text(carol, reverse(LIST))
    page = text(carol, address(alice))
    assert "Balance 100.00 USD Held 0.00 USD Available 100.00 USD" in page
    assert "EXPIRED" in page


def test_a_wallet_is_found_by_id_reference_and_user(
    carol: Client, alice: WalletIdentity, bob: WalletIdentity, charlie: WalletIdentity
) -> None:
    def found(term: str) -> list[str]:
        page = text(carol, f"{reverse(LIST)}?q={term}")
        return [name for name in ("alice", "bob", "charlie") if f"user-{name}" in page]

    assert found(str(alice.id)) == ["alice"]
    assert found("bob") == ["bob"]
    assert found("user-charlie") == ["charlie"]
    assert found("ali") == []


def test_a_star_finds_what_begins_so(carol: Client, client_acme: Company) -> None:
    for name in ("order-1", "order-2", "other"):
        wallet_of(client_acme, name)
    page = text(carol, f"{reverse(LIST)}?q=order-*")
    assert "order-1" in page
    assert "order-2" in page
    assert "other" not in page
    assert "user-other" in text(carol, f"{reverse(LIST)}?q=user-o*")
    assert "order-1" not in text(carol, f"{reverse(LIST)}?q=*")


def test_one_page_shows_everything_about_a_wallet(
    carol: Client, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    fund(alice, 10_000)
    transfer(source=alice, destination=bob, request=asks(3_000, wallet=alice))
    places(alice, 1_000)
    pays_out(alice, 500)

    page = text(carol, address(alice))

    assert "Balance 70.00 USD Held 15.00 USD Available 55.00 USD Overdraft limit 0.00 USD" in page
    assert "TRANSFER_OUT" in page
    assert "-30.00 USD 70.00 USD" in page
    assert "wallet.transfer_sent.v1" in page
    assert "PENDING 5.00 USD" in page
    assert "No operation was accepted for this wallet" in page
    assert "No fraud rule was ever met" in page
    assert "GB33BUKB" not in page
    assert "lowest 0.00 USD" in page or "highest" in page


def test_alerts_notifications_and_operations_are_shown_with_their_pages(
    carol: Client, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    rows = {
        "fraud_fraudalert": is_suspected(alice).pk,
        "notifications_notification": is_told(alice).pk,
        "wallets_operation": is_asked(alice).pk,
    }
    html = carol.get(address(alice)).content.decode()
    page = text(carol, address(alice))
    assert "High value Open Review" in page
    assert "Low balance mail Sent" in page
    assert "WITHDRAW Failed insufficient_funds 12.50 USD" in page
    for name, key in rows.items():
        assert f'href="{reverse(f"admin:{name}_change", args=[key])}"' in html
    others = text(carol, address(bob))
    assert "High value" not in others
    assert "Low balance" not in others
    assert "12.50" not in others


def test_all_of_them_leads_to_a_list_of_this_wallet_only(
    carol: Client, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    for wallet in (alice, bob):
        fund(wallet, 10_000)
        places(wallet, 1_000)
        pays_out(wallet, 500)
        is_suspected(wallet)
        is_told(wallet)
        is_asked(wallet)
    html = carol.get(address(alice)).content.decode()
    lists = [unescape(url) for url in re.findall(r'href="([^"]+)">All of them', html)]
    assert len(lists) == 7, "the statement and six sections"
    for url in lists[1:]:
        shown = carol.get(url)
        assert shown.status_code == 200
        rows = list(shown.context["cl"].result_list)
        assert rows, url
        for row in rows:
            owner = getattr(row, "wallet_id", None) or getattr(row, "wallet", None) or row.stream
            assert owner == alice.id, url


def test_a_transfer_leads_to_its_entry_its_event_and_the_other_wallet(
    carol: Client, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    fund(alice, 10_000)
    moved = transfer(source=alice, destination=bob, request=asks(3_000, wallet=alice))
    event = OutboxEvent.objects.get(stream=alice.id, entry=moved.transaction_id)
    html = carol.get(address(alice)).content.decode()
    for url in (
        address(bob),
        reverse("admin:ledger_journalentry_change", args=[moved.transaction_id]),
        reverse("admin:events_outboxevent_change", args=[event.pk]),
    ):
        assert f'href="{url}"' in html
        assert carol.get(url).status_code == 200


def test_an_empty_wallet_says_what_is_missing(carol: Client, alice: WalletIdentity) -> None:
    page = text(carol, address(alice))
    assert "No money has moved yet" in page
    assert "Nothing was ever set aside" in page
    assert "wallet.created.v1" in page


def test_who_may_see_wallets_only_sees_no_other_table(
    database: None, alice: WalletIdentity
) -> None:
    dave = staff.member("dave", "wallets.view_wallet")
    fund(alice, 100)
    places(alice, 10)
    html = dave.get(address(alice)).content.decode()
    for heading in ("Holds", "Operations", "Payouts", "Events", "Fraud alerts", "Notifications"):
        assert f">{heading}</h2>" not in html
    assert "/admin/ledger/" not in html
    assert "/admin/events/" not in html


def test_without_the_right_no_page_opens(database: None, alice: WalletIdentity) -> None:
    eve = staff.member("eve", "wallets.view_hold")
    for name in ("change", "statement", "statement_file", "explain", "freeze", "unfreeze"):
        assert eve.get(address(alice, name)).status_code == 403
    assert not AuditRecord.objects.filter(subject=str(alice.id)).exists()


def test_nothing_that_is_sent_to_a_page_changes_anything(
    carol: Client, alice: WalletIdentity
) -> None:
    fund(alice, 1_000)
    before = books_now()
    form = {"balance": "1", "status": "CLOSED", "reference": "mine", "_save": "Save"}
    for name in ("change", "statement", "statement_file", "explain"):
        assert carol.post(address(alice, name), form).status_code in (403, 405)
    assert carol.post(address(alice, "delete"), {"post": "yes"}).status_code == 403
    assert carol.post(reverse("admin:wallets_wallet_add"), form).status_code == 403
    crafted = {"action": "delete_selected", "_selected_action": [str(alice.id)], "post": "yes"}
    carol.post(reverse(LIST), crafted)
    assert books_now() == before


def test_a_page_costs_the_same_for_one_of_each_and_for_many(
    carol: Client, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    fund(alice, 100_000)
    fund(bob, 100_000)

    def lives(times: int) -> None:
        for _ in range(times):
            transfer(source=alice, destination=bob, request=asks(10, wallet=alice))
            places(alice, 10)
            pays_out(alice, 10)
            is_suspected(alice)
            is_told(alice)
            is_asked(alice)

    lives(1)
    one = queries(carol, address(alice))
    lives(30)
    assert queries(carol, address(alice)) == one
    assert one <= 30


def test_the_list_costs_the_same_for_one_wallet_and_for_fifty(
    carol: Client, client_acme: Company, alice: WalletIdentity
) -> None:
    one = queries(carol, reverse(LIST))
    for number in range(49):
        fund(wallet_of(client_acme, f"wallet-{number}"), 100)
    assert queries(carol, reverse(LIST)) == one


def test_no_page_brings_a_script_or_a_style_of_its_own(
    carol: Client, alice: WalletIdentity
) -> None:
    """The policy of contents allows neither."""
    root = settings.BASE_DIR / "templates" / "admin" / "wallets" / "wallet"
    found = list(root.glob("*.html"))
    assert len(found) > 5
    for template in found:
        written = template.read_text()
        assert "<script" not in written
        assert "style=" not in written
        assert " onclick" not in written


def test_whatever_its_keys_are_metadata_is_shown(carol: Client, alice: WalletIdentity) -> None:
    Wallet.objects.filter(pk=alice.id).update(metadata={"items": 5, "keys": "two"})
    page = text(carol, address(alice))
    assert "items 5" in page
    assert "keys two" in page
