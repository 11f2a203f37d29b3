"""The real write path tells facts; the real inbox hands them to the fraud consumer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.conf import settings

from events.consumer import Event
from events.consumers.fraud.models import FraudAlert, FraudRule
from tests import consumers
from wallet_project.consumers import CONSUMERS
from wallets.identity import WalletIdentity

FRAUD = CONSUMERS["fraud"]
FREEZER = CONSUMERS["freezer"]


@pytest.fixture(autouse=True)
def rules(database: None) -> Iterator[Callable[..., None]]:
    """Switch every rule off, and on again what a test asks for; put everything back."""
    kept = list(FraudRule.objects.all())
    FraudRule.objects.update(enabled=False)

    def switch_on(rule: str, *, action: str = "REVIEW", currency: str = "", **limits: Any) -> None:
        FraudRule.objects.update_or_create(
            rule=rule,
            currency=currency,
            defaults={"thresholds": limits, "action": action, "enabled": True},
        )

    yield switch_on
    FraudRule.objects.exclude(pk__in=[row.pk for row in kept]).delete()
    for row in kept:
        row.save()


def told_about(*wallets: WalletIdentity) -> list[Event]:
    """Read the facts of some wallets, one wallet's after the other's."""
    return [event for wallet in wallets for event in consumers.told(wallet.id)]


def alerts_told() -> list[Event]:
    """Read the messages about alerts, in the order in which they were told."""
    return consumers.told(topic=settings.KAFKA_TOPIC_FRAUD_ALERTS)


def judge(*batches: Sequence[Event]) -> None:
    """Hand batches of facts to the fraud consumer."""
    for batch in batches:
        consumers.deliver(FRAUD, batch)


def found() -> list[tuple[str, Any]]:
    """List the alerts: rule and wallet."""
    return list(FraudAlert.objects.order_by("pk").values_list("rule", "wallet"))
