"""What alerts do to wallets, and what staff do to alerts: over the messages, each effect once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import DatabaseError, connection
from django.test import Client
from django.urls import reverse

from events import contracts
from events.consumers.fraud import review, tasks
from events.consumers.fraud.errors import AlertDecided
from events.consumers.fraud.models import Act, AlertAct, FraudAlert, FraudRule
from events.models import ConsumedEvent, OutboxEvent
from tests.acting import audited
from tests.consumers import again, deliver
from tests.integration.fraud.conftest import FREEZER, alerts_told, judge, told_about
from tests.people import books_now, fund
from tests.staff import member, sign_in, superuser
from wallet_project.kit.audit import Actor
from wallet_project.kit.models import AuditRecord
from wallets.identity import WalletIdentity
from wallets.models import Wallet
from wallets.operations._status import StatusRequest
from wallets.operations.close_wallet import close_wallet
from wallets.operations.freeze_wallet import freeze_wallet
from wallets.operations.unfreeze_wallet import unfreeze_wallet

Rules = Callable[..., None]
STAFF = StatusRequest(actor="staff:1")
DORA, EMIL = Actor("staff:1", "dora"), Actor("staff:2", "emil")


def status(wallet: WalletIdentity) -> str:
    return Wallet.objects.get(pk=wallet.id).status


def statuses_told(wallet: WalletIdentity) -> list[str]:
    types = [contracts.FROZEN, contracts.UNFROZEN]
    rows = OutboxEvent.objects.filter(stream=wallet.id, type__in=types).order_by("id")
    return list(rows.values_list("type", flat=True))


@pytest.fixture
def alert(alice: WalletIdentity, rules: Rules) -> FraudAlert:
    """An alert about Alice's wallet that asks for it to be frozen."""
    rules("HIGH_VALUE", amount="100", action="FREEZE")
    fund(alice, 100_00)
    judge(told_about(alice))
    return FraudAlert.objects.get()


def test_an_alert_freezes_the_wallet_once(alert: FraudAlert, alice: WalletIdentity) -> None:
    (message,) = alerts_told()
    for _ in range(3):
        deliver(FREEZER, [again(message)])
    assert status(alice) == "FROZEN"
    assert statuses_told(alice) == [contracts.FROZEN]


def test_a_repeat_does_not_freeze_what_staff_have_unfrozen(
    alert: FraudAlert, alice: WalletIdentity
) -> None:
    (message,) = alerts_told()
    deliver(FREEZER, [message])
    unfreeze_wallet(wallet=alice, request=STAFF)
    deliver(FREEZER, [again(message)])
    assert status(alice) == "ACTIVE"


def test_an_alert_that_only_asks_for_a_look_freezes_nothing(
    alice: WalletIdentity, rules: Rules
) -> None:
    rules("HIGH_VALUE", amount="100", action="NOTIFY")
    fund(alice, 100_00)
    judge(told_about(alice))
    before = books_now()
    deliver(FREEZER, alerts_told())
    assert books_now() == before


def test_a_closed_wallet_stays_closed_and_holds_nobody_up(
    alice: WalletIdentity, bob: WalletIdentity, rules: Rules
) -> None:
    rules("HIGH_VALUE", amount="100", action="FREEZE")
    for wallet in (alice, bob):
        fund(wallet, 100_00)
    judge(told_about(alice, bob))
    Wallet.objects.filter(pk=alice.id).update(balance=0)
    close_wallet(wallet=alice, request=STAFF)
    deliver(FREEZER, alerts_told())
    assert (status(alice), status(bob)) == ("CLOSED", "FROZEN")


def test_a_freeze_that_fails_is_not_noted_as_done(
    alert: FraudAlert, alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr("wallets.operations._status.outbox.record", full)
        with pytest.raises(OSError, match="disk full"):
            deliver(FREEZER, alerts_told())
    assert status(alice) == "ACTIVE"
    assert not ConsumedEvent.objects.filter(consumer="freezer").exists()
    deliver(FREEZER, alerts_told())
    assert status(alice) == "FROZEN"


def test_unfreezing_follows_the_freeze_even_if_asked_for_before_it_arrived(
    alert: FraudAlert, alice: WalletIdentity
) -> None:
    review.act(alert, Act.UNFREEZE, by=DORA)
    assert status(alice) == "ACTIVE"
    deliver(FREEZER, alerts_told())
    assert status(alice) == "ACTIVE"
    assert statuses_told(alice) == [contracts.FROZEN, contracts.UNFROZEN]


def test_the_second_decision_is_refused_and_changes_nothing(alert: FraudAlert) -> None:
    review.act(alert, Act.CLEAR, by=DORA, text="known customer")
    with pytest.raises(AlertDecided):
        review.act(alert, Act.CONFIRM, by=EMIL)
    after = FraudAlert.objects.get()
    assert (after.status, after.decided_by) == ("CLEARED", "dora")
    assert list(AlertAct.objects.values_list("act", "by", "text")) == [
        ("CLEAR", "dora", "known customer")
    ]


def test_the_mail_goes_out_after_the_transaction_and_once(
    alice: WalletIdentity, rules: Rules, settings: Any
) -> None:
    settings.FRAUD_ALERT_ADDRESSES = ["fraud@example.org"]
    rules("HIGH_VALUE", amount="100", action="NOTIFY")
    fund(alice, 100_00)
    judge(told_about(alice))
    assert mail.outbox == []
    tasks.send_fraud_mails()
    tasks.send_fraud_mails()
    (sent,) = mail.outbox
    assert sent.to == ["fraud@example.org"]
    assert str(alice.id) in sent.body
    assert "amount: 100.00" in sent.body
    assert FraudAlert.objects.get().sent_at is not None


def _staff(*rights: str) -> Client:
    return member("dora", *(right if "." in right else f"fraud.{right}" for right in rights))


def _page(alert: FraudAlert) -> str:
    return reverse("admin:fraud_fraudalert_change", args=[alert.pk])


def _act(alert: FraudAlert, what: str) -> str:
    return reverse("admin:fraud_fraudalert_act", args=[alert.pk, what])


def test_the_queue_shows_open_alerts_with_their_evidence(
    alert: FraudAlert, alice: WalletIdentity
) -> None:
    staff = _staff("view_fraudalert", "review_fraudalert")
    queue = reverse("admin:fraud_fraudalert_changelist")
    assert str(alice.id) in staff.get(queue).content.decode()
    page = staff.get(_page(alert)).content.decode()
    assert "amount limit" in page
    assert "Deposit 100.00" in page
    assert "Confirm fraud" in page
    review.act(alert, Act.CLEAR, by=EMIL, text="known customer")
    assert str(alice.id) not in staff.get(queue).content.decode()
    assert str(alice.id) in staff.get(queue, {"status": "all"}).content.decode()
    page = staff.get(_page(alert)).content.decode()
    assert "Confirm fraud" not in page
    assert "known customer" in page


def test_each_act_is_kept_with_who_did_it(alert: FraudAlert, alice: WalletIdentity) -> None:
    staff = _staff("view_fraudalert", "review_fraudalert", "wallets.unfreeze_wallet")
    for what in ("NOTE", "CONFIRM", "UNFREEZE"):
        assert staff.post(_act(alert, what), {"text": f"about {what}"}).status_code == 302
    kept = AlertAct.objects.order_by("pk").values_list("act", "by", "text")
    assert list(kept) == [
        ("NOTE", "dora", "about NOTE"),
        ("CONFIRM", "dora", "about CONFIRM"),
        ("UNFREEZE", "dora", "about UNFREEZE"),
    ]
    number = str(alert.pk)
    assert audited() == [
        (f"fraudalert.{what}", number, f"about {what.upper()}")
        for what in ("note", "confirm", "unfreeze")
    ] + [("wallet.unfreeze_requested", str(alice.id), "about UNFREEZE")]
    assert AuditRecord.objects.get(subject=str(alice.id)).subject_type == "wallets.wallet"
    assert FraudAlert.objects.get().status == "CONFIRMED"


def test_nobody_acts_without_the_right_by_a_link_or_by_a_form_from_elsewhere(
    alert: FraudAlert,
) -> None:
    viewer = _staff("view_fraudalert")
    assert "Confirm fraud" not in viewer.get(_page(alert)).content.decode()
    assert viewer.post(_act(alert, "CLEAR")).status_code == 403
    User.objects.all().delete()
    reviewer = _staff("view_fraudalert", "review_fraudalert")
    assert reviewer.get(_act(alert, "CLEAR")).status_code == 405
    assert reviewer.post(_act(alert, "EXPLODE")).status_code == 403
    strict = sign_in(User.objects.get(), csrf=True)
    assert strict.post(_act(alert, "CLEAR")).status_code == 403
    assert Client().post(_act(alert, "CLEAR")).status_code == 302  # to the login page
    assert (FraudAlert.objects.get().status, AlertAct.objects.count()) == ("OPEN", 0)
    assert len(alerts_told()) == 1


def test_an_alert_unfreezes_only_for_who_may_unfreeze_and_says_why(alert: FraudAlert) -> None:
    maker = _staff("view_fraudalert", "review_fraudalert")
    assert "Unfreeze the wallet" not in maker.get(_page(alert)).content.decode()
    assert maker.post(_act(alert, "UNFREEZE"), {"text": "crafted"}).status_code == 403
    User.objects.all().delete()
    both = _staff("view_fraudalert", "review_fraudalert", "wallets.unfreeze_wallet")
    assert "Unfreeze the wallet" in both.get(_page(alert)).content.decode()
    told = both.post(_act(alert, "UNFREEZE"), {"text": "  "}, follow=True).content.decode()
    assert "Say why the wallet is to be unfrozen." in told
    assert (AlertAct.objects.count(), len(alerts_told()), audited()) == (0, 1, [])


def test_who_may_not_see_alerts_does_nothing_to_them(alert: FraudAlert) -> None:
    blind = _staff("review_fraudalert", "wallets.unfreeze_wallet")
    for what in Act.values:
        assert blind.post(_act(alert, what), {"text": "crafted"}).status_code == 403
    assert (AlertAct.objects.count(), len(alerts_told())) == (0, 1)


def test_thresholds_are_changed_in_the_admin_and_checked_there(rules: Rules) -> None:
    rule = FraudRule.objects.get(rule="HIGH_VALUE", currency="")
    page = reverse("admin:fraud_fraudrule_change", args=[rule.pk])
    staff = superuser("dora")
    form = {"rule": "HIGH_VALUE", "currency": "", "action": "FREEZE", "enabled": "on"}

    refused = staff.post(page, form | {"thresholds": '{"amount": "-5"}'})
    assert "above zero" in refused.content.decode()
    rule.refresh_from_db()
    assert rule.thresholds == {"amount": "10000"}

    assert staff.post(page, form | {"thresholds": '{"amount": "500"}'}).status_code == 302
    rule.refresh_from_db()
    assert (rule.thresholds, rule.action) == ({"amount": "500"}, "FREEZE")
    record = AuditRecord.objects.get(action="fraudrule.set")
    assert record.actor_name == "dora"
    assert record.detail["before"]["thresholds"] == {"amount": "10000"}
    assert record.detail["after"]["thresholds"] == {"amount": "500"}
    remove = reverse("admin:fraud_fraudrule_delete", args=[rule.pk])
    assert staff.post(remove, {"post": "yes"}).status_code == 302
    assert not FraudRule.objects.filter(pk=rule.pk).exists()
    assert AuditRecord.objects.get(action="fraudrule.remove").detail["after"] is None


def test_freezing_twice_by_hand_and_by_alert_tells_one_event(
    alert: FraudAlert, alice: WalletIdentity
) -> None:
    freeze_wallet(wallet=alice, request=STAFF)
    deliver(FREEZER, alerts_told())
    assert statuses_told(alice) == [contracts.FROZEN]


def test_what_staff_did_cannot_be_changed_afterwards(alert: FraudAlert) -> None:
    review.act(alert, Act.NOTE, by=DORA, text="called the customer")
    table = AlertAct._meta.db_table
    for statement in (f"UPDATE {table} SET text = 'nothing'", f"DELETE FROM {table}"):
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute(statement)
    assert AlertAct.objects.get().text == "called the customer"
