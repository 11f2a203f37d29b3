"""From a fact to a mail: noted once with the fact, sent after it, tried again until it is taken."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.core import mail
from django.db.models import F

from events.consumer import Event
from events.consumers.notifications import channels, contacts, keeping, tasks
from events.consumers.notifications.contacts import ContactDetails
from events.consumers.notifications.models import Contact, Kind, Notification
from tests.consumers import again, deliver, told
from tests.gateway import client_of, sandbox
from tests.people import asks, fund
from wallet_project.consumers import CONSUMERS
from wallet_project.kit import sending
from wallet_project.kit.clock import now
from wallets.identity import WalletIdentity
from wallets.models import Payout
from wallets.operations._status import StatusRequest
from wallets.operations.freeze_wallet import freeze_wallet
from wallets.operations.request_payout import request_payout
from wallets.operations.transfer import transfer
from wallets.operations.withdraw import withdraw
from wallets.payouts import saga
from wallets.payouts.gateway import Gateway
from wallets.payouts.sandbox import Mood

NOTIFICATIONS = CONSUMERS["notifications"]


@pytest.fixture(autouse=True)
def _channels() -> Iterator[None]:
    channels.offered.cache_clear()
    yield
    channels.offered.cache_clear()


def reach(wallet: WalletIdentity, *kinds: Kind, **more: Any) -> None:
    details = ContactDetails(email=f"{wallet.reference}@example.org", kinds=kinds)
    contacts.set_contact(wallet.id, wallet.client, replace(details, **more))


def facts(wallet: WalletIdentity) -> list[Event]:
    return told(wallet.id)


def note(wallet: WalletIdentity) -> None:
    deliver(NOTIFICATIONS, facts(wallet))


def make_due() -> None:
    rows = Notification.objects.filter(next_attempt_at__isnull=False)
    rows.update(next_attempt_at=F("created_at"))


def test_money_in_is_mailed_once_however_often_it_is_told(alice: WalletIdentity) -> None:
    reach(alice, Kind.MONEY_IN)
    fund(alice, 12_50)
    for _ in range(3):
        deliver(NOTIFICATIONS, [again(fact) for fact in facts(alice)])
    assert mail.outbox == []  # nothing is sent where the fact is noted
    tasks.send_notifications()
    tasks.send_notifications()

    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["alice@example.org"], "Money in: 12.50 USD")
    assert "Your balance is 12.50 USD." in sent.body
    ((html, _),) = sent.alternatives  # type: ignore[attr-defined]
    assert "12.50 USD came into your wallet" in html
    row = Notification.objects.get()
    assert (row.attempts, row.next_attempt_at) == (1, None)
    assert row.sent_at is not None


def test_only_who_asked_is_told(alice: WalletIdentity, bob: WalletIdentity) -> None:
    reach(alice, Kind.MONEY_OUT)
    for wallet in (alice, bob):
        fund(wallet, 10_00)
        note(wallet)
    assert not Notification.objects.exists()


def test_a_mail_server_that_fails_is_asked_again_later(
    alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    reach(alice, Kind.MONEY_IN)
    fund(alice, 10_00)
    note(alice)

    def fail(*args: Any, **kwargs: Any) -> None:
        raise smtplib.SMTPServerDisconnected("alice@example.org: try later")

    with monkeypatch.context() as patched:
        patched.setattr("django.core.mail.EmailMultiAlternatives.send", fail)
        tasks.send_notifications()
    row = Notification.objects.get()
    assert (row.attempts, row.sent_at) == (1, None)
    assert row.next_attempt_at is not None
    assert timedelta(seconds=20) < row.next_attempt_at - now() <= sending.FIRST_DELAY
    assert "alice" not in row.last_error  # an address is kept in one place only
    tasks.send_notifications()
    assert mail.outbox == []  # not before its time
    make_due()
    tasks.send_notifications()
    assert len(mail.outbox) == 1


def test_an_address_that_is_refused_for_good_is_not_tried_again(
    alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    reach(alice, Kind.MONEY_IN)
    fund(alice, 10_00)
    note(alice)

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise smtplib.SMTPRecipientsRefused({"alice@example.org": (550, b"no such user")})

    with monkeypatch.context() as patched:
        patched.setattr("django.core.mail.EmailMultiAlternatives.send", refuse)
        tasks.send_notifications()
    row = Notification.objects.get()
    assert (row.sent_at, row.next_attempt_at) == (None, None)
    assert row.last_error == "The mail server refuses the address: 550."


def test_after_the_last_try_it_is_given_up(
    alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    reach(alice, Kind.MONEY_IN)
    fund(alice, 10_00)
    note(alice)
    tries = []

    def fail(*args: Any, **kwargs: Any) -> None:
        tries.append(1)
        raise OSError("no route")

    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", fail)
    for _ in range(sending.ATTEMPTS_MAX + 3):
        make_due()
        tasks.send_notifications()
    assert len(tries) == sending.ATTEMPTS_MAX
    assert Notification.objects.get().next_attempt_at is None


def test_a_row_that_somebody_else_works_on_is_left_alone(alice: WalletIdentity) -> None:
    reach(alice, Kind.MONEY_IN)
    fund(alice, 10_00)
    note(alice)
    seen_by_both = Notification.objects.get()
    claimed = Notification.objects.get()
    assert sending._claim(claimed)
    assert not sending._claim(seen_by_both)


def test_what_is_erased_is_not_sent_and_kept_nowhere(alice: WalletIdentity) -> None:
    reach(alice, Kind.MONEY_IN)
    fund(alice, 10_00)
    note(alice)
    contacts.erase_contact(alice.id)
    tasks.send_notifications()
    assert mail.outbox == []
    assert not Contact.objects.exists()
    row = Notification.objects.get()
    assert (row.sent_at, row.next_attempt_at) == (None, None)
    assert "alice@example.org" not in str(list(Notification.objects.values()))


def test_what_happened_before_anybody_asked_is_not_told(alice: WalletIdentity) -> None:
    fund(alice, 10_00)
    reach(alice, Kind.MONEY_IN)
    note(alice)
    assert not Notification.objects.exists()


def test_old_news_is_no_news(alice: WalletIdentity) -> None:
    reach(alice, Kind.MONEY_IN)
    Contact.objects.update(created_at=now() - timedelta(days=9))
    fund(alice, 10_00)
    deliver(
        NOTIFICATIONS, [replace(one, time=one.time - timedelta(days=1)) for one in facts(alice)]
    )
    assert not Notification.objects.exists()


def test_each_channel_that_is_offered_and_known_is_used(
    alice: WalletIdentity, settings: Any
) -> None:
    settings.NOTIFICATION_CHANNELS |= {
        "sms": "events.consumers.notifications.channels.SmsLog",
        "push": "events.consumers.notifications.channels.PushLog",
    }
    channels.offered.cache_clear()
    reach(alice, Kind.MONEY_IN, phone="+4915112345678")
    fund(alice, 10_00)
    note(alice)
    tasks.send_notifications()
    sent = Notification.objects.exclude(sent_at=None)
    assert set(sent.values_list("channel", flat=True)) == {"mail", "sms"}
    assert len(mail.outbox) == 1


def test_a_mail_becomes_a_file_where_that_is_set(
    alice: WalletIdentity, settings: Any, tmp_path: Path
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path
    reach(alice, Kind.LARGE_WITHDRAWAL, Kind.LOW_BALANCE, low_balance=5_00, large_withdrawal=8_00)
    fund(alice, 10_00)
    withdraw(wallet=alice, request=asks(8_00, wallet=alice))
    note(alice)
    tasks.send_notifications()
    texts = "".join(file.read_text() for file in tmp_path.iterdir())
    assert "Subject: Large withdrawal: 8.00 USD" in texts
    assert "Subject: Your balance is low: 2.00 USD" in texts
    ids = [row.pk for row in Notification.objects.all()]
    assert all(f"<notification-{number}@localhost>" in texts for number in ids)


def test_done_notifications_are_forgotten_and_waiting_ones_kept(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    for wallet in (alice, bob):
        reach(wallet, Kind.MONEY_IN)
        fund(wallet, 10_00)
    note(alice)
    tasks.send_notifications()
    note(bob)
    assert keeping.purge_notifications(older_than=now()) == 1
    assert Notification.objects.get().wallet == bob.id


def test_each_turn_of_a_wallet_is_told_in_its_own_words(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    reach(alice, *Kind, low_balance=45_00, large_withdrawal=50_00)
    fund(alice, 100_00)
    withdraw(wallet=alice, request=asks(60_00, wallet=alice))
    fund(bob, 20_00)
    transfer(source=bob, destination=alice, request=asks(5_00, wallet=bob))
    withdraw(wallet=alice, request=asks(1_00, wallet=alice))
    freeze_wallet(wallet=alice, request=StatusRequest(actor="key:test"))
    for _ in range(3):
        deliver(NOTIFICATIONS, [again(fact) for fact in facts(alice)])
    tasks.send_notifications()

    assert [sent.subject for sent in mail.outbox] == [
        "Money in: 100.00 USD",
        "Large withdrawal: 60.00 USD",
        "Your balance is low: 40.00 USD",
        "Money in: 5.00 USD",
        "Money out: 1.00 USD",
        "Your balance is low: 44.00 USD",
        "Your wallet is frozen",
    ]
    assert {tuple(sent.to) for sent in mail.outbox} == {("alice@example.org",)}


class TestPayouts:
    """What becomes of a payout is told on its own topic."""

    def test_a_payout_that_is_delayed_and_then_refused_is_told_twice_in_all(
        self, alice: WalletIdentity
    ) -> None:
        reach(alice, Kind.PAYOUT_DELAYED, Kind.PAYOUT_REFUSED)
        fund(alice, 50_00)
        payout = self._request(alice)
        with sandbox() as gone:
            nobody = client_of(gone.url)
        for _ in range(3):  # the gateway is down
            self._resume(payout, nobody)
        with sandbox(Mood(refuse=100)) as server:
            self._resume(payout, client_of(server.url))
        for _ in range(2):
            deliver(NOTIFICATIONS, [again(one) for one in self._told(alice)])
        tasks.send_notifications()

        assert Payout.objects.get(pk=payout).status == "REFUSED"
        delayed, refused = Notification.objects.order_by("id")
        assert (delayed.kind, refused.kind) == (Kind.PAYOUT_DELAYED, Kind.PAYOUT_REFUSED)
        assert delayed.numbers["nextAttemptAt"] > delayed.numbers["occurredAt"]
        assert [sent.to for sent in mail.outbox] == [["alice@example.org"]] * 2
        assert all("10.00 USD" in str(sent.body) for sent in mail.outbox)

    def test_a_payout_that_goes_well_is_money_out(self, alice: WalletIdentity) -> None:
        reach(alice, *Kind)
        fund(alice, 50_00)
        deliver(NOTIFICATIONS, facts(alice))
        Notification.objects.all().delete()
        payout = self._request(alice)
        with sandbox() as server:
            self._resume(payout, client_of(server.url))
        deliver(NOTIFICATIONS, [*facts(alice), *self._told(alice)])
        assert [row.kind for row in Notification.objects.all()] == [Kind.MONEY_OUT]

    def test_the_consumer_reads_their_topic(self) -> None:
        assert set(NOTIFICATIONS.topics) == {
            settings.KAFKA_TOPIC_FACTS,
            settings.KAFKA_TOPIC_PAYOUTS,
        }

    def _request(self, wallet: WalletIdentity) -> UUID:
        asked = asks(10_00, wallet=wallet)
        return request_payout(wallet=wallet, request=asked, destination={"iban": "x"}).id

    def _resume(self, payout: UUID, gateway: Gateway) -> None:
        waiting = Payout.objects.filter(pk=payout, next_attempt_at__isnull=False)
        waiting.update(next_attempt_at=F("created_at"))
        saga.advance(payout, gateway)

    def _told(self, wallet: WalletIdentity) -> list[Event]:
        return told(wallet.id, topic=settings.KAFKA_TOPIC_PAYOUTS)
