"""Puts each new fact before the rules that are switched on for its currency."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final
from uuid import UUID

import msgspec

from events.consumers.fraud import observing, rules, thresholds
from events.consumers.fraud.models import FraudRule, Kind, RuleName
from events.consumers.fraud.observing import Crowd
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


IsQuiet = Callable[[Rule, UUID, datetime, datetime], bool]
"""Tells whether a rule would say nothing of what a wallet completes between two moments."""


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

    def quiet(self) -> Mapping[RuleName, timedelta]:
        """Tell for how long at most each rule keeps quiet after an alert, if it does at all."""
        found: dict[RuleName, timedelta] = {}
        for (name, _), rule in self._rules.items():
            span = timedelta(seconds=rule.limits.quiet_seconds)
            if span:
                found[RuleName(name)] = max(span, found.get(RuleName(name), span))
        return found

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
    """New facts, which are stored already, and the transfers that became whole by them.

    What a rule looks at is read for one wallet at a time, and only where a count or a sum, read for
    all wallets of the batch at once, says that the rule can be met: of most facts nothing is.
    """

    def __init__(
        self,
        facts: Sequence[Observed],
        transfers: Sequence[Transfer],
        book: Book,
        is_quiet: IsQuiet,
    ) -> None:
        """Take also the rules, and what tells where a rule would say nothing."""
        self._facts = facts
        self._transfers = transfers
        self._book = book
        self._is_quiet = is_quiet
        self._recent: dict[tuple[RuleName, UUID], list[Observed]] = {}

    def judge(self) -> Iterator[Met]:
        """Tell every finding, in the order of the facts."""
        for fact in self._facts:
            for name in (RuleName.RAPID_WITHDRAWALS, RuleName.HIGH_VALUE, RuleName.YOUNG_DRAIN):
                rule = self._book.rule(name, fact.currency)
                if rule is None or self._is_quiet(rule, fact.wallet, fact.at, fact.at):
                    continue
                if finding := self._look_at(fact, rule.limits):
                    yield Met(rule, finding, fact.client, fact.currency)
        for transfer in self._transfers:
            for name in (RuleName.CIRCULAR_TRANSFERS, RuleName.MANY_TO_ONE):
                rule = self._book.rule(name, transfer.currency)
                if rule is None:
                    continue
                if finding := self._look_at_transfer(transfer, rule, rule.limits):
                    yield Met(rule, finding, transfer.client, transfer.currency)

    def _look_at(self, fact: Observed, limits: Thresholds) -> Finding | None:
        if isinstance(limits, HighValue):
            return rules.high_value(fact, limits)
        if isinstance(limits, RapidWithdrawals) and fact.kind is Kind.WITHDRAWAL:
            if self._withdrawals.get(fact.wallet, 0) < limits.withdrawals:
                return None
            return rules.rapid_withdrawals(fact, self._withdrawn(fact.wallet), limits)
        if isinstance(limits, YoungDrain) and fact.kind in _DEBITS:
            opened_at = self._opened_at.get(fact.wallet)
            if opened_at is None:
                return None
            # At least what had come in when the fact happened: more might be a drain, less is not.
            if not rules.is_drained(fact, self._received.get(fact.wallet, 0), limits):
                return None
            return rules.young_drain(fact, opened_at, self._moved(fact.wallet, opened_at), limits)
        return None

    def _look_at_transfer(
        self, transfer: Transfer, rule: Rule, limits: Thresholds
    ) -> Finding | None:
        if isinstance(limits, CircularTransfers) and rules.is_large(transfer, limits):
            return rules.circular_transfers(transfer, self._neighbourhood, limits)
        if isinstance(limits, ManyToOne):
            wallet = transfer.destination
            crowd = self._crowds.get(wallet)
            if crowd is None or crowd.senders < limits.senders:
                return None
            # The window that is found ends with the transfer or a later one.
            if self._is_quiet(rule, wallet, transfer.at, max(transfer.at, crowd.latest)):
                return None
            return rules.many_to_one(transfer, self._received_by(wallet), limits)
        return None

    def _withdrawn(self, wallet: UUID) -> list[Observed]:
        name = RuleName.RAPID_WITHDRAWALS
        return self._read(name, wallet, [Kind.WITHDRAWAL], self._from - self._book.longest(name))

    def _moved(self, wallet: UUID, opened_at: datetime) -> list[Observed]:
        kinds = [kind for kind in Kind if kind is not Kind.CREATED]
        return self._read(RuleName.YOUNG_DRAIN, wallet, kinds, opened_at)

    def _received_by(self, wallet: UUID) -> list[Observed]:
        name = RuleName.MANY_TO_ONE
        span = self._book.longest(name)
        return self._read(name, wallet, [Kind.RECEIVED], self._from - span, span)

    def _read(
        self,
        name: RuleName,
        wallet: UUID,
        kinds: Sequence[Kind],
        since: datetime,
        beyond: timedelta = timedelta(0),
    ) -> list[Observed]:
        """Read what a rule looks at of a wallet, once."""
        if (name, wallet) not in self._recent:
            until = self._until + beyond
            found = observing.recent(wallet, kinds, since=since, until=until)
            self._recent[name, wallet] = found
        return self._recent[name, wallet]

    @cached_property
    def _times(self) -> list[datetime]:
        return [one.at for one in self._facts] + [one.at for one in self._transfers]

    @property
    def _from(self) -> datetime:
        return min(self._times)

    @property
    def _until(self) -> datetime:
        return max(self._times)

    @cached_property
    def _opened_at(self) -> Mapping[UUID, datetime]:
        return observing.opened_at({one.wallet for one in self._facts if one.kind in _DEBITS})

    @cached_property
    def _withdrawals(self) -> Mapping[UUID, int]:
        return observing.withdrawals(
            {one.wallet for one in self._facts if one.kind is Kind.WITHDRAWAL},
            since=self._from - self._book.longest(RuleName.RAPID_WITHDRAWALS),
            until=self._until,
        )

    @cached_property
    def _received(self) -> Mapping[UUID, int]:
        return observing.received(self._opened_at.keys(), until=self._until)

    @cached_property
    def _crowds(self) -> Mapping[UUID, Crowd]:
        span = self._book.longest(RuleName.MANY_TO_ONE)
        return observing.crowds(
            {one.destination for one in self._transfers},
            since=self._from - span,
            until=self._until + span,
        )

    @cached_property
    def _neighbourhood(self) -> list[Transfer]:
        window = self._book.longest(RuleName.CIRCULAR_TRANSFERS)
        return observing.neighbourhood(self._transfers, steps=self._book.steps(), window=window)
