"""Puts each new fact before the rules that are switched on for its currency."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final
from uuid import UUID

import msgspec

from events.consumers.fraud import observing, rules, thresholds
from events.consumers.fraud.models import FraudRule, Kind, RuleName
from events.consumers.fraud.rules import Finding, Observed, Transfer
from events.consumers.fraud.thresholds import (
    CircularTransfers,
    HighValue,
    ManyToOne,
    RapidWithdrawals,
    Thresholds,
    YoungDrain,
)
from wallet_project.kit.database import PRIMARY

logger = logging.getLogger(__name__)

_DEBITS: Final = (Kind.WITHDRAWAL, Kind.SENT)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it stands in the database."""

    name: RuleName
    limits: Thresholds
    action: str


@dataclass(frozen=True, slots=True)
class Met:
    """A finding and the rule that made it."""

    rule: Rule
    finding: Finding
    client: int
    currency: str


class Book:
    """The rules in force, by name and currency."""

    def __init__(self) -> None:
        rows = list(FraudRule.objects.using(PRIMARY).all())
        self._rules = {
            (row.rule, row.currency): rule
            for row in rows
            if row.enabled and (rule := _read(row)) is not None
        }
        # A row that is switched off still stands for its currency: nothing is judged by it.
        self._named = {(row.rule, row.currency) for row in rows}

    def rule(self, name: RuleName, currency: str) -> Rule | None:
        """Find the rule for a currency: its own, or the default one."""
        own = currency if (name, currency) in self._named else ""
        return self._rules.get((name, own))

    def longest(self, name: RuleName) -> timedelta:
        """Tell how far back a rule looks, in whatever currency."""
        spans = [
            getattr(rule.limits, "window_seconds", getattr(rule.limits, "age_seconds", 0))
            for (of, _), rule in self._rules.items()
            if of == name
        ]
        return timedelta(seconds=max(spans, default=0))

    def steps(self) -> int:
        """Tell how many transfers after the first one a circle can have."""
        found = [one.limits for one in self._rules.values()]
        longest = [one.transfers_max - 1 for one in found if isinstance(one, CircularTransfers)]
        return max(longest, default=0)


def _read(row: FraudRule) -> Rule | None:
    try:
        limits = thresholds.read(row.rule, row.thresholds)
    except msgspec.ValidationError as error:
        # Written past the admin, which checks. The other rules go on.
        logger.error("fraud.rule_unreadable", extra={"rule": str(row), "reason": str(error)})
        return None
    return Rule(RuleName(row.rule), limits, row.action)


class Batch:
    """New facts, which are stored already, and the transfers that became whole by them."""

    def __init__(self, facts: Sequence[Observed], transfers: Sequence[Transfer]) -> None:
        self._facts = facts
        self._transfers = transfers
        self._book = Book()
        self._recent: dict[UUID, list[Observed]] = {}

    def judge(self) -> Iterator[Met]:
        """Tell every finding, in the order of the facts."""
        for fact in self._facts:
            for name in (RuleName.RAPID_WITHDRAWALS, RuleName.HIGH_VALUE, RuleName.YOUNG_DRAIN):
                rule = self._book.rule(name, fact.currency)
                finding = rule and self._look_at(fact, rule.limits)
                if rule and finding:
                    yield Met(rule, finding, fact.client, fact.currency)
        for transfer in self._transfers:
            for name in (RuleName.CIRCULAR_TRANSFERS, RuleName.MANY_TO_ONE):
                rule = self._book.rule(name, transfer.currency)
                finding = rule and self._look_at_transfer(transfer, rule.limits)
                if rule and finding:
                    yield Met(rule, finding, transfer.client, transfer.currency)

    def _look_at(self, fact: Observed, limits: Thresholds) -> Finding | None:
        if isinstance(limits, HighValue):
            return rules.high_value(fact, limits)
        if isinstance(limits, RapidWithdrawals) and fact.kind is Kind.WITHDRAWAL:
            return rules.rapid_withdrawals(fact, self._recently(fact.wallet), limits)
        if isinstance(limits, YoungDrain) and fact.kind in _DEBITS:
            opened_at = self._opened_at.get(fact.wallet)
            recent = self._recently(fact.wallet) if opened_at else ()
            return rules.young_drain(fact, opened_at, recent, limits)
        return None

    def _look_at_transfer(self, transfer: Transfer, limits: Thresholds) -> Finding | None:
        if isinstance(limits, CircularTransfers):
            return rules.circular_transfers(transfer, self._neighbourhood, limits)
        if isinstance(limits, ManyToOne):
            received = self._recently(transfer.destination)
            return rules.many_to_one(transfer, received, limits)
        return None

    def _recently(self, wallet: UUID) -> list[Observed]:
        """Read a wallet's facts around those of this batch, once."""
        if wallet not in self._recent:
            looked_back = max(self._book.longest(name) for name in RuleName)
            self._recent[wallet] = observing.recent(
                wallet, until=self._until + looked_back, window=2 * looked_back + self._spread
            )
        return self._recent[wallet]

    @property
    def _times(self) -> list[datetime]:
        facts = [one.at for one in self._facts]
        return facts + [one.at for one in self._transfers]

    @cached_property
    def _until(self) -> datetime:
        return max(self._times)

    @cached_property
    def _spread(self) -> timedelta:
        return max(self._times) - min(self._times)

    @cached_property
    def _opened_at(self) -> dict[UUID, datetime]:
        return observing.opened_at({one.wallet for one in self._facts if one.kind in _DEBITS})

    @cached_property
    def _neighbourhood(self) -> list[Transfer]:
        window = self._book.longest(RuleName.CIRCULAR_TRANSFERS)
        return observing.neighbourhood(self._transfers, steps=self._book.steps(), window=window)
