"""Endpoints that nobody serves any more."""

from __future__ import annotations

import json
import smtplib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail

from events.consumers.webhooks import deliveries, disabling, endpoints
from events.consumers.webhooks.deliverer import deliver_due
from events.consumers.webhooks.errors import EndpointDisabled, EndpointNotFound
from events.consumers.webhooks.models import WebhookDelivery, WebhookEndpoint
from events.consumers.webhooks.rules import Rules
from events.models import OutboxEvent
from tests.people import Company, fund
from tests.receiver import receiver
from tests.webhooks import endpoint_of, fan_out, make_due, statuses
from wallet_project.kit import clock
from wallets.identity import WalletIdentity


def events() -> list[Any]:
    rows = OutboxEvent.objects.filter(type=disabling.DISABLED)
    return [json.loads(bytes(row.payload)) for row in rows]


def test_one_that_fails_for_too_long_is_disabled_and_its_owner_told(
    client_acme: Company, alice: WalletIdentity, rules: Rules
) -> None:
    impatient = replace(rules, disable_after_failures=3, disable_after_seconds=3600)
    with receiver(statuses=[500] * 20) as hook:
        made = endpoint_of(client_acme, hook.url, contact_email="oncall@acme.example")
        fund(alice, 500)
        fan_out()
        for _ in range(4):
            deliver_due(impatient)
            make_due()
        assert WebhookEndpoint.objects.get().enabled  # often enough, not long enough
        WebhookEndpoint.objects.update(failing_since=clock.now() - timedelta(hours=2))
        deliver_due(impatient)
        row = WebhookEndpoint.objects.get()
        assert (row.enabled, row.disabled_reason, row.mail_due_at) == (False, "FAILING", None)
        (event,) = events()
        assert (event["endpointId"], event["reason"]) == (str(made.endpoint.id), "FAILING")
        (sent,) = mail.outbox
        assert (sent.to, hook.url in sent.body) == (["oncall@acme.example"], True)
        assert made.secret is not None
        assert made.secret not in sent.body

        calls = len(hook.calls)
        make_due()
        fund(alice, 500)
        fan_out()
        deliver_due(impatient)
        assert len(hook.calls) == calls
        assert statuses() == ["SKIPPED", "SKIPPED"]
        with pytest.raises(EndpointDisabled):
            deliveries.send_test(client=client_acme.id, endpoint=made.endpoint.id)

        hook.statuses.clear()
        mine: Any = {"client": client_acme.id, "endpoint": made.endpoint.id}
        view = endpoints.update(**mine, changes={"enabled": True})
        assert (view.enabled, view.failures, view.failing_since) == (True, 0, None)
        found = deliveries.redeliver_range(
            **mine, start=row.created_at, end=clock.now() + timedelta(seconds=5), types=()
        )
        assert found.count == 2
        deliver_due(impatient)
    assert statuses() == ["SUCCEEDED", "SUCCEEDED"]
    assert len(events()) == len(mail.outbox) == 1


def test_one_that_is_gone_is_disabled_at_once(
    client_acme: Company, alice: WalletIdentity, rules: Rules
) -> None:
    with receiver(statuses=[410]) as hook:
        endpoint_of(client_acme, hook.url)
        fund(alice, 500)
        fan_out()
        deliver_due(rules)
    row = WebhookEndpoint.objects.get()
    assert (row.enabled, row.disabled_reason) == (False, "GONE")
    assert statuses() == ["FAILED"]
    assert [event["reason"] for event in events()] == ["GONE"]
    assert mail.outbox == []  # nobody to tell


def test_few_failures_disable_nobody_however_long_ago_they_began(
    client_acme: Company, alice: WalletIdentity, rules: Rules
) -> None:
    with receiver(statuses=[500] * 2) as hook:
        endpoint_of(client_acme, hook.url)
        fund(alice, 500)
        fan_out()
        deliver_due(rules)
        WebhookEndpoint.objects.update(failing_since=clock.now() - timedelta(days=30))
        make_due()
        deliver_due(rules)
    assert WebhookEndpoint.objects.get().enabled
    assert events() == []


def test_a_mail_that_cannot_be_sent_is_tried_again(
    client_acme: Company,
    alice: WalletIdentity,
    rules: Rules,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(**_: Any) -> int:
        raise smtplib.SMTPServerDisconnected

    with receiver(statuses=[410]) as hook, monkeypatch.context() as patched:
        patched.setattr(disabling, "send_mail", fail)
        endpoint_of(client_acme, hook.url, contact_email="oncall@acme.example")
        fund(alice, 500)
        fan_out()
        deliver_due(rules)
    due = WebhookEndpoint.objects.get().mail_due_at
    assert due is not None
    assert due > clock.now()
    assert disabling.tell_contacts() == 0
    WebhookEndpoint.objects.update(mail_due_at=clock.now() - timedelta(seconds=1))
    assert disabling.tell_contacts() == 1
    assert disabling.tell_contacts() == 0
    assert len(mail.outbox) == 1


def test_what_another_client_asks_for_changes_nothing(
    client_acme: Company, client_globex: Company, alice: WalletIdentity, rules: Rules
) -> None:
    made = endpoint_of(client_acme, "http://127.0.0.1:9/hook")
    fund(alice, 500)
    fan_out()
    before = WebhookEndpoint.objects.values().get(), WebhookDelivery.objects.values().get()
    theirs: Any = {"client": client_globex.id, "endpoint": made.endpoint.id}
    for act in (
        lambda: endpoints.update(**theirs, changes={"enabled": False}),
        lambda: endpoints.delete(**theirs),
        lambda: endpoints.rotate_secret(**theirs),
        lambda: deliveries.send_test(**theirs),
        lambda: deliveries.redeliver(
            **theirs,
            delivery=before[1]["id"],
        ),
    ):
        with pytest.raises(EndpointNotFound):
            act()
    assert before == (
        WebhookEndpoint.objects.values().get(),
        WebhookDelivery.objects.values().get(),
    )
