"""Staff look at webhooks, switch endpoints and send again what was missed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from events.consumers.webhooks.deliverer import deliver_due
from events.consumers.webhooks.models import WebhookDelivery, WebhookEndpoint
from events.consumers.webhooks.rules import Rules
from tests.acting import REASON, act, audited, queries_of
from tests.people import Company, fund
from tests.receiver import receiver
from tests.staff import member
from tests.webhooks import endpoint_of, fan_out, statuses
from wallet_project.kit.clock import now
from wallets.identity import WalletIdentity

ENDPOINTS = "/admin/webhooks/webhookendpoint/"
DELIVERIES = "/admin/webhooks/webhookdelivery/"
VIEWS = ("view_webhookendpoint", "view_webhookdelivery", "view_webhookattempt")


def staff(*permissions: str) -> Client:
    return member("carol", *(f"webhooks.{name}" for name in permissions))


def bulk(browser: Client, page: str, action: str, *rows: Any) -> int:
    chosen = {"action": action, "_selected_action": [str(row) for row in rows]}
    return browser.post(page, chosen, follow=True).status_code


@pytest.fixture
def sent(client_acme: Company, alice: WalletIdentity, rules: Rules) -> Any:
    """One endpoint whose one delivery has arrived."""
    with receiver(body=b"<thanks>") as hook:
        made = endpoint_of(client_acme, hook.url)
        fund(alice, 500)
        fan_out()
        deliver_due(rules)
        yield made


def test_who_may_look_sees_everything_but_secrets(sent: Any) -> None:
    browser = staff(*VIEWS)
    row = WebhookEndpoint.objects.get()
    delivery = WebhookDelivery.objects.get()
    pages = [
        browser.get(path).content.decode()
        for path in (
            ENDPOINTS,
            f"{ENDPOINTS}?q={row.pk}",
            f"{ENDPOINTS}{row.pk}/change/",
            DELIVERIES,
            f"{DELIVERIES}?q={delivery.event_id}",
            f"{DELIVERIES}{delivery.pk}/change/",
        )
    ]
    assert all(row.url in page for page in pages[:3])
    assert all("wallet.deposited.v1" in page for page in pages[3:])
    assert "&lt;thanks&gt;" in pages[-1]
    for page in pages:
        assert row.secret not in page
        assert sent.secret not in page


def test_who_may_only_look_changes_nothing(sent: Any) -> None:
    browser = staff("view_webhookendpoint", "view_webhookdelivery")
    assert bulk(browser, DELIVERIES, "redeliver", WebhookDelivery.objects.get().pk) == 403
    assert WebhookEndpoint.objects.get().enabled
    assert statuses() == ["SUCCEEDED"]


def test_staff_switch_endpoints_and_send_again(sent: Any) -> None:
    carol = staff(*VIEWS, "switch_webhookendpoint", "redeliver_webhookdelivery")
    endpoint, delivery = sent.endpoint.id, WebhookDelivery.objects.get().pk

    act(carol, "webhooks.webhookendpoint", endpoint, "disable")

    assert not WebhookEndpoint.objects.get().enabled
    act(carol, "webhooks.webhookdelivery", delivery, "redeliver")
    assert statuses() == ["SUCCEEDED"]  # it would be skipped
    act(carol, "webhooks.webhookendpoint", endpoint, "enable")
    assert WebhookEndpoint.objects.get().enabled
    act(carol, "webhooks.webhookdelivery", delivery, "redeliver")
    assert statuses() == ["PENDING"]
    verbs = ("disable", "enable", "redeliver")
    reasons = (REASON, REASON, "")
    assert audited() == [
        (f"webhookendpoint.{verb}", str(endpoint), reason)
        for verb, reason in zip(verbs, reasons, strict=True)
    ]
    assert carol.get(f"{ENDPOINTS}add/").status_code == 403
    assert carol.post(f"{ENDPOINTS}{endpoint}/delete/").status_code == 403


def test_a_range_is_sent_again(sent: Any, alice: WalletIdentity) -> None:
    carol = staff(*VIEWS, "redeliver_webhookdelivery")
    endpoint = sent.endpoint.id
    day = timedelta(days=1)
    start, end = (f"{now() + step:%Y-%m-%d %H:%M}" for step in (-day, day))

    where = ("webhooks.webhookendpoint", endpoint, "redeliver_range")
    empty = act(carol, *where, start=end, end=start)
    assert empty.status_code == 400
    assert statuses() == ["SUCCEEDED"]
    page = act(carol, *where, start=start, end=end)

    assert "1 deliveries are sent again" in page.content.decode()
    assert statuses() == ["PENDING"]
    assert audited() == [("webhookendpoint.redeliver", str(endpoint), REASON)]


def test_an_endpoints_page_lists_what_was_sent_and_costs_the_same(
    sent: Any, alice: WalletIdentity
) -> None:
    carol = staff(*VIEWS)
    urls = [f"{ENDPOINTS}{sent.endpoint.id}/change/", DELIVERIES, ENDPOINTS]
    before = [queries_of(carol, url) for url in urls]
    for _ in range(4):
        fund(alice, 1)
    fan_out()

    assert [queries_of(carol, url) for url in urls] == before
    text = carol.get(urls[0]).content.decode()
    assert text.count("wallet.deposited.v1") == 5
    failed = carol.get(DELIVERIES, {"endpoint__id__exact": sent.endpoint.id, "is": "SUCCEEDED"})
    assert failed.content.decode().count(">wallet.deposited.v1<") == 1
