"""Raising alerts: once for each pattern, told on the topic, mailed later by the clock."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings

from events import outbox
from events.consumers.fraud import messages
from events.consumers.fraud.judging import Book, Met, Rule
from events.consumers.fraud.models import Action, FraudAlert
from events.consumers.fraud.rules import Observed, Transfer
from events.outbox import NewMessage
from wallet_project.kit.clock import now, rfc3339
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.ids import uuid7

logger = logging.getLogger(__name__)

TOO_OLD_TO_FREEZE: Final = timedelta(days=1)
"""What old facts show, read late or once more, is for people to judge: the wallet has moved on."""
EVENTS_MAX: Final = 200
"""Events of the evidence that are kept, the latest ones; the numbers tell of all."""


class Told:
    """The alerts that there are about some wallets near some moments, and those that come."""

    def __init__(
        self, facts: Collection[Observed], transfers: Collection[Transfer], book: Book
    ) -> None:
        """Read those after which a rule keeps quiet."""
        times = [one.at for one in facts] + [one.at for one in transfers]
        wallets = {one.wallet for one in facts} | {one.destination for one in transfers}
        self._moments: defaultdict[tuple[str, UUID], list[datetime]] = defaultdict(list)
        for name, quiet in book.quiet().items():
            # A pattern of these facts may end with a later one that is known already.
            alerts = FraudAlert.objects.using(PRIMARY).filter(
                rule=name,
                wallet__in=wallets,
                triggered_at__gt=min(times) - quiet,
                triggered_at__lt=max(times) + 2 * quiet,
            )
            for wallet, moment in alerts.values_list("wallet", "triggered_at"):
                self._moments[name, wallet].append(moment)

    def is_quiet(self, rule: Rule, wallet: UUID, first: datetime, last: datetime) -> bool:
        """Tell whether a rule would say nothing of what a wallet completes between two moments."""
        quiet = timedelta(seconds=rule.limits.quiet_seconds)
        moments = self._moments.get((rule.name, wallet), ())
        return any(last - quiet < moment < first + quiet for moment in moments)

    def knows(self, met: Met) -> bool:
        """Tell whether the pattern was told before, or the rule keeps quiet about the wallet."""
        finding = met.finding
        alerts = FraudAlert.objects.using(PRIMARY).filter(rule=met.rule.name, wallet=finding.wallet)
        return (
            self.is_quiet(met.rule, finding.wallet, finding.at, finding.at)
            or alerts.filter(trigger_id=finding.trigger).exists()
        )

    def note(self, met: Met) -> None:
        """Take note of an alert that was raised."""
        self._moments[met.rule.name, met.finding.wallet].append(met.finding.at)


def raise_all(found: Iterable[Met], told: Told) -> None:
    """Raise an alert for each finding that is not known yet, in the caller's transaction."""
    for met in found:
        if not told.knows(met):
            _raise(met)
            told.note(met)


def _raise(met: Met) -> None:
    finding, moment = met.finding, now()
    action = _action(met, moment)
    alert = FraudAlert.objects.using(PRIMARY).create(
        rule=met.rule.name,
        wallet=finding.wallet,
        client=met.client,
        currency=met.currency,
        trigger_id=finding.trigger,
        triggered_at=finding.at,
        action=action,
        evidence={
            "events": [str(event) for event in finding.events[-EVENTS_MAX:]],
            "numbers": dict(finding.numbers),
        },
        raised_at=moment,
        next_attempt_at=moment if _is_mailed(action) else None,
    )
    tell(
        alert,
        messages.ALERT_RAISED,
        messages.AlertRaised(
            alert_id=alert.pk,
            rule=alert.rule,
            action=alert.action,
            wallet_id=str(alert.wallet),
            currency=alert.currency,
            triggered_at=rfc3339(alert.triggered_at),
            events=alert.evidence["events"],
            numbers=alert.evidence["numbers"],
        ),
        moment,
    )
    logger.warning(
        "fraud.alert_raised",
        extra={"alert": alert.pk, "rule": alert.rule, "wallet": str(alert.wallet)},
    )


def tell(
    alert: FraudAlert,
    type_: str,
    message: messages.AlertRaised | messages.UnfreezeRequested,
    moment: datetime,
) -> None:
    """Record a message about an alert; those about one wallet keep their order."""
    outbox.record_messages(
        [
            NewMessage(
                topic=settings.KAFKA_TOPIC_FRAUD_ALERTS,
                stream=alert.wallet,
                client=alert.client,
                type=type_,
                value=messages.encode(message),
                occurred_at=moment,
                event_id=uuid7(),
            )
        ]
    )


def _action(met: Met, moment: datetime) -> Action:
    action = Action(met.rule.action)
    is_old = moment - met.finding.at > TOO_OLD_TO_FREEZE
    return Action.REVIEW if action is Action.FREEZE and is_old else action


def _is_mailed(action: Action) -> bool:
    return action is not Action.REVIEW and bool(settings.FRAUD_ALERT_ADDRESSES)
