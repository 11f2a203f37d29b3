"""The consumer: facts in, alerts out, all in the transaction that notes the facts as seen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings

from events.consumer import Event
from events.consumers.fraud import alerts, observing
from events.consumers.fraud.judging import Batch, Book
from wallet_project.kit.clock import now


def judge(events: Sequence[Event]) -> None:
    """Remember facts and raise an alert for each pattern that they complete.

    Facts older than what is kept are passed over: their wallets' patterns could be seen in part
    only.

    :raises Undecodable: for an event that is not what its type says.
    """
    oldest = now() - timedelta(days=settings.FRAUD_KEPT_DAYS)
    facts = [
        fact
        for event in events
        if (fact := observing.observe(event)) is not None and fact.at >= oldest
    ]
    if not facts:
        return
    observing.take_turns({fact.client for fact in facts})
    observing.store(facts)
    transfers, book = observing.pair(facts), Book()
    told = alerts.Told(facts, transfers, book)
    alerts.raise_all(Batch(facts, transfers, book, told.is_quiet).judge(), told)
