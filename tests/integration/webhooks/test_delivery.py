"""From a delivery to a receiver: signed, in time, again and again, to where it may go only."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError

from events.consumers.webhooks import claims, deliveries, endpoints
from events.consumers.webhooks.deliverer import deliver_due
from events.consumers.webhooks.models import (
    DeliveryStatus,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)
from events.consumers.webhooks.rules import Rules
from events.consumers.webhooks.sending import Outcome
from tests import webhooks
from tests.people import Company, fund
from tests.receiver import receiver
from tests.webhooks import (
    delivering,
    endpoint_of,
    eventually,
    fan_out,
    log,
    make_due,
    statuses,
    verify,
)
from wallet_project.kit import clock
from wallets.identity import WalletIdentity


def test_a_receiver_can_verify_what_it_gets(
    client_acme: Company, alice: WalletIdentity, rules: Rules
) -> None:
    with receiver(body=b"thanks") as hook:
        made = endpoint_of(client_acme, hook.url)
        fund(alice, 500)
        fan_out()
        assert deliver_due(rules) == 1
        (call,) = hook.calls
    fact = verify(made.secret, call)
    assert (fact["type"], fact["data"]["amount"]) == ("wallet.deposited.v1", "5.00")
    assert fact["data"]["sequence"] == 2
    assert (call.path, call.headers["content-type"]) == ("/hook", "application/json")
    delivery = WebhookDelivery.objects.get()
    assert call.id == str(delivery.event_id)
    assert statuses() == ["SUCCEEDED"]
    assert (delivery.lease, delivery.next_attempt_at) == (None, None)
    assert delivery.finished_at is not None
    attempt = WebhookAttempt.objects.get()
    assert (attempt.number, attempt.status_code, attempt.error) == (1, 200, "")
    assert (bytes(attempt.response), attempt.finished_at is not None) == (b"thanks", True)
    with pytest.raises(WebhookVerificationError):
        verify(made.secret, replace(call, body=call.body.replace(b"5.00", b"6.00")))


def test_one_that_fails_five_times_and_then_answers(
    client_acme: Company, alice: WalletIdentity, rules: Rules
) -> None:
    with receiver(statuses=[500, 503, 404, 301, 429]) as hook:
        made = endpoint_of(client_acme, hook.url)
        fund(alice, 500)
        fan_out()
        for seconds in rules.retries[:5]:
            assert deliver_due(rules) == 1
            assert deliver_due(rules) == 0  # not before its time
            delivery = WebhookDelivery.objects.get()
            assert delivery.next_attempt_at is not None
            wait = delivery.next_attempt_at - clock.now()
            assert seconds - 3 <= wait.total_seconds() <= seconds * 1.1 + 1
            assert WebhookEndpoint.objects.get().failing_since is not None
            make_due()
        assert deliver_due(rules) == 1
    assert statuses() == ["SUCCEEDED"]
    assert [(number, status) for number, status, _ in log()] == [
        *((1, 500), (2, 503), (3, 404), (4, 301), (5, 429), (6, 200)),
    ]
    assert [error for *_, error in log()] == ["http_status"] * 5 + [""]
    assert len(set(hook.ids)) == 1
    assert len({call.body for call in hook.calls}) == 1
    for call in hook.calls:
        verify(made.secret, call)
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.failures, endpoint.failing_since, endpoint.enabled) == (0, None, True)


def test_after_the_last_retry_it_has_failed_and_can_be_sent_again(
    client_acme: Company, alice: WalletIdentity, rules: Rules
) -> None:
    short = replace(rules, retries=(5, 5))
    with receiver(statuses=[500] * 3) as hook:
        made = endpoint_of(client_acme, hook.url)
        fund(alice, 500)
        fan_out()
        for _ in range(3):
            deliver_due(short)
            make_due()
        assert statuses() == ["FAILED"]
        assert deliver_due(short) == 0
        again = WebhookDelivery.objects.get().pk
        deliveries.redeliver(client=client_acme.id, endpoint=made.endpoint.id, delivery=again)
        assert deliver_due(short) == 1
    assert statuses() == ["SUCCEEDED"]
    assert [number for number, *_ in log()] == [1, 2, 3, 4]


def test_a_receiver_may_ask_for_more_time(
    client_acme: Company, alice: WalletIdentity, rules: Rules
) -> None:
    with receiver(statuses=[503], headers={"Retry-After": "120"}) as hook:
        endpoint_of(client_acme, hook.url)
        fund(alice, 500)
        fan_out()
        deliver_due(rules)
    delivery = WebhookDelivery.objects.get()
    assert delivery.next_attempt_at is not None
    assert 110 < (delivery.next_attempt_at - clock.now()).total_seconds() < 135


def test_a_receiver_who_asks_for_ages_gets_the_longest_delay(
    client_acme: Company, alice: WalletIdentity, rules: Rules
) -> None:
    with receiver(statuses=[503], headers={"Retry-After": "9" * 400}) as hook:
        endpoint_of(client_acme, hook.url)
        fund(alice, 500)
        fan_out()
        deliver_due(rules)
    delivery = WebhookDelivery.objects.get()
    assert delivery.next_attempt_at is not None
    longest = max(rules.retries)
    assert (delivery.next_attempt_at - clock.now()).total_seconds() > longest - 10


def test_one_that_hangs_delays_nobody_else(
    client_acme: Company, alice: WalletIdentity, rules: Rules
) -> None:
    patient = replace(rules, total_seconds=10, concurrency=20, endpoint_concurrency=5)
    with receiver(hangs=True) as slow, receiver() as quick:
        endpoint_of(client_acme, slow.url)
        for _ in range(30):
            fund(alice, 100)
        fan_out()
        endpoint_of(client_acme, quick.url)
        for _ in range(30):
            fund(alice, 100)
        fan_out()  # behind thirty and among thirty more that hang
        with delivering(patient):
            eventually(lambda: len(quick.calls) == 30, 8)
            assert len(slow.calls) == 5  # its share, and no more
            slow.hangs = False
            slow.over.set()
    assert len(set(quick.ids)) == 30


@pytest.mark.parametrize("behaviour", [{"hangs": True}, {"drips": True}])
def test_an_attempt_ends_in_time_whatever_the_receiver_does(
    client_acme: Company, alice: WalletIdentity, rules: Rules, behaviour: dict[str, Any]
) -> None:
    with receiver(**behaviour) as hook:
        endpoint_of(client_acme, hook.url)
        fund(alice, 500)
        fan_out()
        started = time.monotonic()
        deliver_due(replace(rules, total_seconds=1))
        assert time.monotonic() - started < 5
    assert log() == [(1, None, "timeout")]
    assert statuses() == ["PENDING"]


def test_a_long_answer_is_read_in_part(
    client_acme: Company, alice: WalletIdentity, rules: Rules
) -> None:
    with receiver(body=b"x" * 5_000_000) as hook:
        endpoint_of(client_acme, hook.url)
        fund(alice, 500)
        fan_out()
        deliver_due(rules)
    assert statuses() == ["SUCCEEDED"]
    assert len(bytes(WebhookAttempt.objects.get().response)) <= 1024


def test_a_redirect_is_not_followed(
    client_acme: Company, alice: WalletIdentity, rules: Rules
) -> None:
    with (
        receiver() as target,
        receiver(statuses=[307], headers={"Location": target.url}) as hook,
    ):
        endpoint_of(client_acme, hook.url)
        fund(alice, 500)
        fan_out()
        deliver_due(rules)
        assert (len(hook.calls), target.calls) == (1, [])
    assert log() == [(1, 307, "http_status")]


def test_nobody_listens(client_acme: Company, alice: WalletIdentity, rules: Rules) -> None:
    with receiver() as hook:
        gone = hook.url
    endpoint_of(client_acme, gone)
    fund(alice, 500)
    fan_out()
    deliver_due(rules)
    assert log() == [(1, None, "connection_failed")]


def test_both_secrets_sign_until_the_overlap_is_over(
    client_acme: Company, alice: WalletIdentity, rules: Rules
) -> None:
    with receiver() as hook:
        made = endpoint_of(client_acme, hook.url)
        rotated = endpoints.rotate_secret(client=client_acme.id, endpoint=made.endpoint.id)
        assert rotated.secret != made.secret
        fund(alice, 500)
        fan_out()
        deliver_due(rules)
        WebhookEndpoint.objects.update(former_secret_until=clock.now() - timedelta(seconds=1))
        fund(alice, 500)
        fan_out()
        deliver_due(rules)
        overlapping, after = hook.calls
    assert len(overlapping.headers["webhook-signature"].split()) == 2
    verify(made.secret, overlapping)
    verify(rotated.secret, overlapping)
    verify(rotated.secret, after)
    with pytest.raises(WebhookVerificationError):
        verify(made.secret, after)


def test_secrets_survive_a_change_of_the_services_own_key(
    client_acme: Company, alice: WalletIdentity, rules: Rules, settings: Any
) -> None:
    with receiver() as hook:
        made = endpoint_of(client_acme, hook.url)
        sealed = WebhookEndpoint.objects.get().secret
        assert made.secret is not None
        assert made.secret not in sealed
        former = settings.SECRET_KEY
        settings.SECRET_KEY = "n" * 50
        fund(alice, 500)
        fan_out()
        deliver_due(rules)
        assert (log(), hook.calls) == ([(1, None, "secret_unreadable")], [])
        settings.SECRET_KEY_FALLBACKS = [former]
        assert endpoints.reseal() == 1
        settings.SECRET_KEY_FALLBACKS = []
        make_due()
        deliver_due(rules)
        (call,) = hook.calls
    verify(made.secret, call)


def test_two_deliverers_send_each_delivery_once(
    client_acme: Company, alice: WalletIdentity, rules: Rules
) -> None:
    with receiver(delay_seconds=0.02) as hook:
        endpoint_of(client_acme, hook.url)
        for _ in range(40):
            fund(alice, 100)
        fan_out()
        with delivering(rules), delivering(rules):
            eventually(lambda: set(statuses()) == {"SUCCEEDED"}, 30)
    assert len(hook.ids) == len(set(hook.ids)) == 40
    assert WebhookAttempt.objects.count() == 40


def test_who_has_lost_his_lease_changes_nothing(
    client_acme: Company, alice: WalletIdentity, rules: Rules
) -> None:
    endpoint_of(client_acme, "http://127.0.0.1:9/hook")
    fund(alice, 500)
    fan_out()
    (late,) = claims.claim(rules=rules, free=10, running={})
    assert claims.claim(rules=rules, free=10, running={}) == []
    make_due()  # the lease is over
    (new,) = claims.claim(rules=rules, free=10, running={})
    assert (late.number, new.number) == (1, 2)
    claims.settle([(late, Outcome(5, status_code=500))], rules)
    assert WebhookDelivery.objects.get().lease == new.lease
    claims.settle([(new, Outcome(5, status_code=200))], rules)
    claims.settle([(late, Outcome(5, status_code=500))], rules)
    assert statuses() == ["SUCCEEDED"]
    assert [number for number, *_ in log()] == [1, 2]


def test_an_attempt_that_died_is_told_in_the_log(
    client_acme: Company, alice: WalletIdentity, rules: Rules
) -> None:
    with receiver() as hook:
        endpoint_of(client_acme, hook.url)
        fund(alice, 500)
        fan_out()
        claims.claim(rules=rules, free=10, running={})
        make_due()
        deliver_due(rules)
    assert log() == [(1, None, "interrupted"), (2, 200, "")]


def test_a_test_and_a_range_are_sent(
    client_acme: Company, alice: WalletIdentity, rules: Rules
) -> None:
    with receiver() as hook:
        made = endpoint_of(client_acme, hook.url)
        mine: Any = {"client": client_acme.id, "endpoint": made.endpoint.id}
        deliveries.send_test(**mine)
        fund(alice, 500)
        fund(alice, 700)
        fan_out()
        assert deliver_due(rules) == 3
        moments = sorted(WebhookDelivery.objects.values_list("occurred_at", flat=True))
        found = deliveries.redeliver_range(
            **mine, start=moments[1], end=moments[2], types=["wallet.deposited.v1"]
        )
        assert (found.count, found.next_from) == (1, None)
        assert deliver_due(rules) == 1
        types = [json.loads(call.body)["type"] for call in hook.calls]
        verify(made.secret, hook.calls[0])
    assert sorted(types) == ["wallet.deposited.v1"] * 3 + ["webhook.test.v1"]
    assert len(set(hook.ids)) == 3


def test_a_long_range_is_sent_in_parts(
    client_acme: Company,
    alice: WalletIdentity,
    rules: Rules,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deliveries, "RANGE_MAX", 2)
    made = endpoint_of(client_acme, "http://127.0.0.1:9/hook")
    for _ in range(5):
        fund(alice, 100)
    fan_out()
    WebhookDelivery.objects.update(status=DeliveryStatus.FAILED, finished_at=clock.now())
    start, end = made.endpoint.created_at, clock.now() + timedelta(seconds=5)
    counts = []
    while start is not None:
        part = deliveries.redeliver_range(
            client=client_acme.id, endpoint=made.endpoint.id, start=start, end=end, types=()
        )
        counts.append(part.count)
        start = part.next_from  # type: ignore[assignment]
    assert counts == [2, 2, 1]
    assert webhooks.deliveries(DeliveryStatus.PENDING).count() == 5
