"""Facts in, alerts out: once, in whatever order the two legs of a transfer come."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from events import contracts
from events.consumers.fraud import keeping
from events.consumers.fraud.models import FraudAlert, FraudRule, Observation
from events.errors import Undecodable
from events.models import ConsumedEvent
from tests.consumers import again, deliver
from tests.integration.fraud.conftest import FRAUD, alerts_told, found, judge, told_about
from tests.people import Company, asks, fund, wallet_of
from wallet_project.kit.clock import now
from wallet_project.kit.ids import uuid7
from wallets.identity import WalletIdentity
from wallets.operations.transfer import transfer
from wallets.operations.withdraw import withdraw

Rules = Callable[..., None]


def send(source: WalletIdentity, destination: WalletIdentity, amount: int) -> None:
    transfer(source=source, destination=destination, request=asks(amount, wallet=source))


def take_out(wallet: WalletIdentity, *amounts: int) -> None:
    for amount in amounts:
        withdraw(wallet=wallet, request=asks(amount, wallet=wallet))


def test_rapid_withdrawals_raise_one_alert_with_their_evidence(
    alice: WalletIdentity, rules: Rules
) -> None:
    rules("RAPID_WITHDRAWALS", withdrawals=3, window_seconds=60)
    fund(alice, 100_00)
    take_out(alice, 1_00, 2_00, 3_00, 4_00, 5_00)
    facts = told_about(alice)

    judge(facts)

    (alert,) = FraudAlert.objects.all()
    withdrawn = [event for event in facts if event.type == contracts.WITHDRAWN]
    assert (alert.rule, alert.wallet, alert.client) == (
        "RAPID_WITHDRAWALS",
        alice.id,
        alice.client,
    )
    assert alert.evidence["events"] == [str(event.id) for event in withdrawn[:3]]
    assert alert.evidence["numbers"]["total"] == "6.00"
    (message,) = alerts_told()
    told = json.loads(message.value)
    assert (message.stream, message.type) == (alice.id, "fraud.alert_raised.v1")
    assert (told["alertId"], told["action"], told["rule"]) == (alert.pk, "REVIEW", alert.rule)
    assert told["events"] == alert.evidence["events"]


def test_the_same_facts_three_times_raise_one_alert(alice: WalletIdentity, rules: Rules) -> None:
    rules("HIGH_VALUE", amount="100")
    fund(alice, 100_00)
    facts = told_about(alice)

    deliver(FRAUD, facts)
    for _ in range(2):
        deliver(FRAUD, [again(fact) for fact in facts])

    assert found() == [("HIGH_VALUE", alice.id)]
    assert len(alerts_told()) == 1
    assert Observation.objects.count() == len(facts)


def test_facts_in_batches_of_one_say_the_same(alice: WalletIdentity, rules: Rules) -> None:
    rules("RAPID_WITHDRAWALS", withdrawals=3, window_seconds=60)
    fund(alice, 100_00)
    take_out(alice, 1_00, 2_00, 3_00, 4_00)
    judge(*[[fact] for fact in told_about(alice)])
    assert found() == [("RAPID_WITHDRAWALS", alice.id)]


def test_a_fact_that_cannot_be_read_takes_its_whole_batch_back(
    alice: WalletIdentity, rules: Rules
) -> None:
    rules("HIGH_VALUE", amount="100")
    fund(alice, 100_00)
    facts = told_about(alice)
    with pytest.raises(Undecodable):
        judge([*facts, replace(facts[-1], id=uuid7(), value=b"{}")])
    assert (found(), Observation.objects.count(), ConsumedEvent.objects.count()) == ([], 0, 0)
    assert alerts_told() == []


def test_thresholds_are_those_of_the_currency(
    client_acme: Company, alice: WalletIdentity, rules: Rules
) -> None:
    yen = wallet_of(client_acme, "yen", currency="JPY")
    francs = wallet_of(client_acme, "francs", currency="CHF")
    rules("HIGH_VALUE", amount="100")
    rules("HIGH_VALUE", currency="JPY", amount="15000")
    rules("HIGH_VALUE", currency="CHF", amount="1")
    FraudRule.objects.filter(currency="CHF").update(enabled=False)
    for wallet in (alice, yen, francs):
        fund(wallet, 14_999)
    judge(told_about(alice, yen, francs))
    assert found() == [("HIGH_VALUE", alice.id)]
    fund(yen, 15_000)
    judge(told_about(yen))
    assert found()[1:] == [("HIGH_VALUE", yen.id)]


def test_a_young_wallet_that_is_emptied_is_noticed(
    alice: WalletIdentity, bob: WalletIdentity, rules: Rules
) -> None:
    rules("YOUNG_DRAIN", age_seconds=3600, received="100", percent=90)
    for wallet in (alice, bob):
        fund(wallet, 200_00)
    take_out(alice, 180_00)
    take_out(bob, 179_99)
    judge(told_about(alice, bob))
    assert found() == [("YOUNG_DRAIN", alice.id)]


def test_old_wallets_may_be_emptied(alice: WalletIdentity, rules: Rules) -> None:
    rules("YOUNG_DRAIN", age_seconds=3600, received="100", percent=90)
    fund(alice, 200_00)
    take_out(alice, 200_00)
    opened, *later = told_about(alice)
    judge([replace(opened, time=opened.time - timedelta(seconds=3601)), *later])
    assert found() == []


@pytest.fixture
def circle(
    client_acme: Company, alice: WalletIdentity, bob: WalletIdentity, rules: Rules
) -> list[WalletIdentity]:
    """Alice's money goes to Bob, from him to Carol, and from her back to Alice."""
    rules(
        "CIRCULAR_TRANSFERS",
        transfers_min=3,
        transfers_max=4,
        window_seconds=3600,
        amount="10",
        percent=80,
    )
    carol = wallet_of(client_acme, "carol")
    fund(alice, 100_00)
    send(alice, bob, 100_00)
    send(bob, carol, 95_00)
    send(carol, alice, 90_00)
    return [alice, bob, carol]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_a_circle_is_found_in_every_order_of_its_wallets(
    circle: list[WalletIdentity], order: tuple[int, ...]
) -> None:
    judge(*[told_about(circle[place]) for place in order])
    assert found() == [("CIRCULAR_TRANSFERS", circle[0].id)]
    alert = FraudAlert.objects.get()
    assert len(alert.evidence["events"]) == 3
    assert alert.evidence["numbers"]["came_back"] == "90.00"


def test_a_circle_is_found_in_one_batch_and_leg_by_leg(circle: list[WalletIdentity]) -> None:
    facts = told_about(*circle)
    judge(*[[fact] for fact in reversed(facts)])
    assert found() == [("CIRCULAR_TRANSFERS", circle[0].id)]


def test_each_leg_of_a_transfer_knows_the_other_wallet(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    fund(alice, 10_00)
    send(alice, bob, 10_00)
    judge(told_about(bob))
    assert Observation.objects.get(kind="RECEIVED").counterpart is None
    judge(told_about(alice))
    assert Observation.objects.get(kind="RECEIVED").counterpart == alice.id
    assert Observation.objects.get(kind="SENT").counterpart == bob.id


@pytest.mark.parametrize("receiver_first", [True, False])
def test_many_wallets_that_send_to_one_are_noticed(
    client_acme: Company, alice: WalletIdentity, rules: Rules, receiver_first: bool
) -> None:
    rules("MANY_TO_ONE", senders=4, window_seconds=3600, amount="40")
    crowd = [wallet_of(client_acme, f"mule-{number}") for number in range(6)]
    for wallet in crowd:
        fund(wallet, 10_00)
        send(wallet, alice, 10_00)
    if receiver_first:
        judge(told_about(alice), *[told_about(wallet) for wallet in crowd])
    else:
        judge(*[told_about(wallet) for wallet in crowd], told_about(alice))
    assert found() == [("MANY_TO_ONE", alice.id)]


def test_facts_that_meet_no_rule_cost_as_many_queries_for_many_wallets_as_for_one(
    client_acme: Company, alice: WalletIdentity, bob: WalletIdentity, rules: Rules
) -> None:
    rules("RAPID_WITHDRAWALS", withdrawals=3, window_seconds=60)
    rules("HIGH_VALUE", amount="100")
    rules("YOUNG_DRAIN", age_seconds=3600, received="10", percent=90)
    rules("MANY_TO_ONE", senders=30, window_seconds=3600, amount="40")
    rules(
        "CIRCULAR_TRANSFERS",
        transfers_min=3,
        transfers_max=4,
        window_seconds=3600,
        amount="50",
        percent=80,
    )
    crowd = [wallet_of(client_acme, f"crowd-{number}") for number in range(20)]
    for wallet in (alice, *crowd):
        fund(wallet, 20_00)
        take_out(wallet, 1_00, 1_00)
        send(wallet, bob, 1_00)
    judge(told_about(bob))  # whose turn that is stands in the table from now on

    queries = []
    for batch in (told_about(alice), told_about(*crowd)):
        with CaptureQueriesContext(connections["default"]) as captured:
            judge(batch)
        queries.append(len(captured))

    assert found() == []
    assert queries[0] == queries[1]


def test_what_is_older_than_the_memory_is_passed_over(alice: WalletIdentity, rules: Rules) -> None:
    rules("HIGH_VALUE", amount="100")
    fund(alice, 100_00)
    judge([replace(one, time=one.time - timedelta(days=31)) for one in told_about(alice)])
    assert (found(), Observation.objects.count()) == ([], 0)


def test_old_facts_freeze_nobody(alice: WalletIdentity, rules: Rules) -> None:
    rules("HIGH_VALUE", amount="100", action="FREEZE")
    fund(alice, 100_00)
    judge([replace(one, time=one.time - timedelta(days=2)) for one in told_about(alice)])
    assert FraudAlert.objects.get().action == "REVIEW"


def test_a_rule_that_nobody_can_read_stops_no_other(alice: WalletIdentity, rules: Rules) -> None:
    rules("RAPID_WITHDRAWALS", nonsense=1)
    rules("HIGH_VALUE", amount="100")
    fund(alice, 100_00)
    judge(told_about(alice))
    assert found() == [("HIGH_VALUE", alice.id)]


def test_movements_are_forgotten_in_time(alice: WalletIdentity) -> None:
    fund(alice, 100_00)
    judge(told_about(alice))
    opened = Observation.objects.get(kind="CREATED").occurred_at
    assert keeping.purge_observations(older_than=opened + timedelta(microseconds=1)) == 1
    assert [one.kind for one in Observation.objects.all()] == ["DEPOSIT"]
    assert keeping.purge_observations(older_than=now() + timedelta(seconds=1)) == 1


@pytest.mark.full_stack
def test_two_processes_that_have_the_halves_of_a_circle_find_it(
    circle: list[WalletIdentity],
) -> None:
    """Each sees its own half only until the other commits, so they take turns."""
    alice, bob, carol = circle
    judge(told_about(alice)[:-1], told_about(bob)[:1], told_about(carol)[:1])
    halves = [
        [told_about(alice)[-1], told_about(bob)[1]],
        [told_about(bob)[2], *told_about(carol)[1:]],
    ]
    ready = threading.Barrier(2)

    def consume(half: list[Any]) -> None:
        ready.wait()
        deliver(FRAUD, half)
        connections["default"].close()

    threads = [threading.Thread(target=consume, args=[half]) for half in halves]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found() == [("CIRCULAR_TRANSFERS", alice.id)]
