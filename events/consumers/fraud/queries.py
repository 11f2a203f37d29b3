"""What others may ask about alerts, without touching the tables of this app."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from events.consumers.fraud.models import FraudAlert
from wallet_project.kit.database import PRIMARY


@dataclass(frozen=True, slots=True)
class RaisedAlert:
    """An alert, as far as a list shows it."""

    id: int
    rule: str
    action: str
    status: str
    triggered_at: datetime
    decided_by: str


def latest_alerts(wallet: UUID, *, limit: int) -> list[RaisedAlert]:
    """List the alerts about a wallet, those with the latest trigger first, by their index."""
    rows = FraudAlert.objects.using(PRIMARY).filter(wallet=wallet)
    return [
        RaisedAlert(
            id=alert.pk,
            rule=alert.get_rule_display(),
            action=alert.get_action_display(),
            status=alert.get_status_display(),
            triggered_at=alert.triggered_at,
            decided_by=alert.decided_by,
        )
        for alert in rows.defer("evidence").order_by("-triggered_at")[:limit]
    ]
