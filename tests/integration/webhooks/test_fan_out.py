"""From facts to deliveries: one for each endpoint that wants it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from events import contracts
from events.consumers.webhooks import endpoints
from events.consumers.webhooks.matching import Filters
from events.consumers.webhooks.models import WebhookEndpoint
from events.errors import Undecodable
from tests.consumers import again, deliver, told
from tests.people import Company, asks, fund, wallet_of
from tests.webhooks import WEBHOOKS, deliveries, endpoint_of, fan_out, statuses
from wallet_project.kit.clock import rfc3339
from wallets.identity import WalletIdentity
from wallets.operations.transfer import transfer

URL = "http://127.0.0.1:9/hook"


def test_a_fact_is_told_to_its_clients_endpoints_and_to_nobody_elses(
    client_acme: Company,
    client_globex: Company,
    alice: WalletIdentity,
    charlie: WalletIdentity,
) -> None:
    first, second = endpoint_of(client_acme, URL), endpoint_of(client_acme, URL)
    theirs = endpoint_of(client_globex, URL)
    fund(alice, 500)

    fan_out()
    assert {d.endpoint_id for d in deliveries()} == {first.endpoint.id, second.endpoint.id}
    fund(charlie, 300)
    fan_out()
    assert [d.endpoint_id for d in deliveries()].count(theirs.endpoint.id) == 1
    assert {d.client for d in deliveries()} == {client_acme.id, client_globex.id}


def test_the_body_is_the_fact_as_it_was_told(client_acme: Company, alice: WalletIdentity) -> None:
    endpoint_of(client_acme, URL)
    fund(alice, 500)
    fan_out()
    (delivery,) = deliveries()
    (event,) = told(alice.id)[-1:]
    assert delivery.event_id == event.id
    assert json.loads(bytes(delivery.payload)) == {
        "type": "wallet.deposited.v1",
        "timestamp": rfc3339(event.time),
        "data": json.loads(event.value),
    }
    assert event.value in bytes(delivery.payload)


def test_the_same_record_three_times_is_one_delivery(
    client_acme: Company, alice: WalletIdentity
) -> None:
    endpoint_of(client_acme, URL)
    fund(alice, 500)
    events = told()
    for batch in (events, [again(e) for e in events], [*events, *events]):
        deliver(WEBHOOKS, batch)
    assert deliveries().count() == 1
    # And should the inbox have forgotten it, the table itself has not.
    WEBHOOKS.handle(events)
    assert deliveries().count() == 1


def test_both_sides_of_a_transfer_are_told(
    client_acme: Company, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    fund(alice, 500)
    wanted = Filters(event_types=[contracts.TRANSFER_SENT], minimum_amount=100, currency="USD")
    sent = endpoint_of(client_acme, URL, wanted)
    of_bob = endpoint_of(client_acme, URL, Filters(wallets=[str(bob.id)]))
    transfer(source=alice, destination=bob, request=asks(100, wallet=alice))
    transfer(source=alice, destination=bob, request=asks(99, wallet=alice))
    fan_out()
    found = [(d.endpoint_id, d.type, d.stream) for d in deliveries()]
    assert found == [
        (sent.endpoint.id, contracts.TRANSFER_SENT, alice.id),
        (of_bob.endpoint.id, contracts.TRANSFER_RECEIVED, bob.id),
        (of_bob.endpoint.id, contracts.TRANSFER_RECEIVED, bob.id),
    ]


def test_what_happened_before_the_endpoint_was_made_is_not_sent(
    client_acme: Company, alice: WalletIdentity
) -> None:
    fund(alice, 500)
    endpoint_of(client_acme, URL)
    fan_out()
    assert not deliveries().exists()
    fund(alice, 500)
    fan_out()
    assert deliveries().count() == 1


def test_what_a_disabled_endpoint_misses_is_kept_and_not_sent(
    client_acme: Company, alice: WalletIdentity
) -> None:
    endpoint_of(client_acme, URL, enabled=False)
    fund(alice, 500)
    fan_out()
    assert statuses() == ["SKIPPED"]


def test_a_removed_endpoint_is_told_nothing(client_acme: Company, alice: WalletIdentity) -> None:
    made = endpoint_of(client_acme, URL)
    fund(alice, 500)
    fan_out()
    endpoints.delete(client=client_acme.id, endpoint=made.endpoint.id)
    fund(alice, 500)
    fan_out()
    assert statuses() == ["CANCELLED"]
    row = WebhookEndpoint.objects.get()
    assert (row.secret, row.former_secret) == ("", "")


def test_a_value_that_nobody_can_read_is_for_the_dead_letters(
    client_acme: Company, alice: WalletIdentity
) -> None:
    endpoint_of(client_acme, URL)
    fund(alice, 500)
    event = told(alice.id)[-1]
    for value in (b"", b"{", b"[]", b'{"currency": "XXX", "amount": "1"}', b"\xff"):
        with pytest.raises(Undecodable):
            deliver(WEBHOOKS, [replace(event, value=value)])
    assert not deliveries().exists()
    deliver(WEBHOOKS, [event])
    assert deliveries().count() == 1


def test_what_is_no_fact_about_a_wallet_concerns_nobody(
    client_acme: Company, alice: WalletIdentity
) -> None:
    endpoint_of(client_acme, URL)
    fund(alice, 500)
    event = told(alice.id)[-1]
    deliver(WEBHOOKS, [replace(event, type="fraud.alert_raised.v1", value=b"?")])
    assert not deliveries().exists()


def test_a_type_that_is_new_is_told_to_who_wants_every_type(
    client_acme: Company, alice: WalletIdentity
) -> None:
    endpoint_of(client_acme, URL)
    fund(alice, 500)
    event = told(alice.id)[-1]
    later = replace(event, type="wallet.blessed.v1", time=event.time + timedelta(seconds=1))
    deliver(WEBHOOKS, [later])
    assert [d.type for d in deliveries()] == ["wallet.blessed.v1"]


def test_currencies_are_told_apart(client_acme: Company) -> None:
    wallets = [wallet_of(client_acme, code.lower(), currency=code) for code in ("USD", "JPY")]
    endpoint_of(client_acme, URL, Filters(currency="JPY", minimum_amount=100))
    for wallet in wallets:
        fund(wallet, 100)
    fan_out()
    assert [d.stream for d in deliveries()] == [wallets[1].id]
