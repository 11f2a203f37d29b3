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
from events.consumers.fraud.observing import Totals, Window
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

    What a rule looks at is read for one wallet at a time, and only where the totals, read for all
    wallets of the batch at once, say that the rule can be met: of most facts nothing is.
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
            name = RuleName.RAPID_WITHDRAWALS
            totals = self._withdrawing.get(fact.wallet)
            if totals is None or totals.withdrawals < limits.withdrawals:
                return None
            return rules.rapid_withdrawals(fact, self._recently(name, fact.wallet), limits)
        if isinstance(limits, YoungDrain) and fact.kind in _DEBITS:
            name = RuleName.YOUNG_DRAIN
            totals = self._young.get(fact.wallet)
            # More may have come in than when the fact happened, never less.
            if totals is None or not rules.is_drained(fact, totals.received, limits):
                return None
            opened_at = self._opened_at[fact.wallet]
            return rules.young_drain(fact, opened_at, self._recently(name, fact.wallet), limits)
        return None

    def _look_at_transfer(
        self, transfer: Transfer, rule: Rule, limits: Thresholds
    ) -> Finding | None:
        if isinstance(limits, CircularTransfers) and rules.is_large(transfer, limits):
            return rules.circular_transfers(transfer, self._neighbourhood, limits)
        if isinstance(limits, ManyToOne):
            wallet = transfer.destination
            totals = self._receiving.get(wallet)
            if totals is None or totals.senders < limits.senders:
                return None
            # The window that is found ends with the transfer or a later one.
            last = max(transfer.at, totals.latest or transfer.at)
            if self._is_quiet(rule, wallet, transfer.at, last):
                return None
            received = self._recently(RuleName.MANY_TO_ONE, wallet)
            return rules.many_to_one(transfer, received, limits)
        return None

    def _recently(self, name: RuleName, wallet: UUID) -> list[Observed]:
        """Read what a rule looks at of a wallet, once."""
        if (name, wallet) not in self._recent:
            self._recent[name, wallet] = observing.recent(wallet, self._window(name))
        return self._recent[name, wallet]

    def _window(self, name: RuleName) -> Window:
        """Tell which facts a rule looks at: as far back as it may for any fact of the batch, and
        as far beyond where the last fact of a pattern can have come first."""
        span = self._book.longest(name)
        beyond = span if name is RuleName.MANY_TO_ONE else timedelta(0)
        # Those of the batch itself may all be of one wallet.
        most = observing.RECENT_MAX + len(self._facts)
        return Window(self._from - span, self._until + beyond, most)

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
    def _opened_at(self) -> dict[UUID, datetime]:
        """When those wallets were opened that may be young."""
        found = observing.opened_at({one.wallet for one in self._facts if one.kind in _DEBITS})
        oldest = self._from - self._book.longest(RuleName.YOUNG_DRAIN)
        return {wallet: opened_at for wallet, opened_at in found.items() if opened_at >= oldest}

    @cached_property
    def _withdrawing(self) -> Mapping[UUID, Totals]:
        wallets = {one.wallet for one in self._facts if one.kind is Kind.WITHDRAWAL}
        return observing.totals(wallets, self._window(RuleName.RAPID_WITHDRAWALS))

    @cached_property
    def _young(self) -> Mapping[UUID, Totals]:
        return observing.totals(self._opened_at.keys(), self._window(RuleName.YOUNG_DRAIN))

    @cached_property
    def _receiving(self) -> Mapping[UUID, Totals]:
        wallets = {one.destination for one in self._transfers}
        return observing.totals(wallets, self._window(RuleName.MANY_TO_ONE))

    @cached_property
    def _neighbourhood(self) -> list[Transfer]:
        """The transfers that may make a circle with one of these: as large as the rule asks."""
        name = RuleName.CIRCULAR_TRANSFERS
        judged = [
            (transfer, rule.limits)
            for transfer in self._transfers
            if (rule := self._book.rule(name, transfer.currency)) is not None
            and isinstance(rule.limits, CircularTransfers)
        ]
        large = [transfer for transfer, limits in judged if rules.is_large(transfer, limits)]
        return observing.neighbourhood(
            large,
            steps=self._book.steps(),
            window=self._book.longest(name),
            least=min(thresholds.minor(limits.amount, one.currency) for one, limits in judged),
        )
