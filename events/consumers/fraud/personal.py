"""What fraud detection keeps about a wallet. An erasure leaves it: it has amounts and no text of
the holder, and movements are forgotten by their age."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from events.consumers.fraud.models import FraudAlert, Observation
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.personal_data import Holding, read_pages, register

_ALERT = ("id", "wallet", "rule", "currency", "triggered_at", "action")
_OBSERVATION = ("event_id", "wallet", "kind", "amount", "currency", "balance", "occurred_at")


def _read_alerts(wallet: UUID) -> Iterator[dict[str, Any]]:
    return read_pages(FraudAlert.objects.using(PRIMARY).filter(wallet=wallet), _ALERT, key="id")


def _read_observations(wallet: UUID) -> Iterator[dict[str, Any]]:
    rows = Observation.objects.using(PRIMARY).filter(wallet=wallet)
    return read_pages(rows, _OBSERVATION, key="event_id")


register(
    Holding("fraud_alert", _read_alerts),
    Holding("fraud_observation", _read_observations),
)
