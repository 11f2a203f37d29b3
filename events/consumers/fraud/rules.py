"""The rules: pure functions over what happened of late. No database, no clock.

Each tells a finding or None. Times are those of the facts, so a rule says the same whenever, and
in whatever order between wallets, the facts come in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from events.consumers.fraud.models import Kind
from events.consumers.fraud.thresholds import (
    CircularTransfers,
    HighValue,
    ManyToOne,
    RapidWithdrawals,
    YoungDrain,
    minor,
)
from wallet_project.kit.money import format_minor

STEPS_MAX: Final = 5_000
"""Transfers looked at in search of a circle; a tangle of more is not a circle but a market."""
_JUDGED_BY_SIZE: Final = frozenset({Kind.DEPOSIT, Kind.WITHDRAWAL, Kind.SENT})
"""A transfer is judged once, where it leaves."""
_DEBITS: Final = frozenset({Kind.WITHDRAWAL, Kind.SENT})
_CREDITS: Final = frozenset({Kind.DEPOSIT, Kind.RECEIVED})


@dataclass(frozen=True, slots=True)
class Observed:
    """A fact about a wallet, amounts in minor units."""

    event: UUID
    wallet: UUID
    client: int
    kind: Kind
    amount: int
    currency: str
    balance: int
    transaction: UUID | None
    at: datetime
    counterpart: UUID | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer of which both legs have come."""

    transaction: UUID
    event: UUID
    """Of the leg that left."""
    source: UUID
    destination: UUID
    client: int
    amount: int
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule was met."""

    wallet: UUID
    trigger: UUID
    """What completed the pattern; the same one for the same pattern, however often it is seen."""
    at: datetime
    events: tuple[UUID, ...]
    numbers: Mapping[str, str | int]


def rapid_withdrawals(
    fact: Observed, recent: Sequence[Observed], limits: RapidWithdrawals
) -> Finding | None:
    """Find several withdrawals within the window that ends with this one."""
    if fact.kind is not Kind.WITHDRAWAL:
        return None
    since = fact.at - timedelta(seconds=limits.window_seconds)
    found = [one for one in recent if one.kind is Kind.WITHDRAWAL and since < one.at <= fact.at]
    if len(found) < limits.withdrawals:
        return None
    return _finding(
        fact,
        found,
        withdrawals=len(found),
        total=_sum(found, fact.currency),
        withdrawals_limit=limits.withdrawals,
        window_seconds=limits.window_seconds,
    )


def high_value(fact: Observed, limits: HighValue) -> Finding | None:
    """Find a movement that is as large as the limit, or larger."""
    limit = minor(limits.amount, fact.currency)
    if fact.kind not in _JUDGED_BY_SIZE or fact.amount < limit:
        return None
    return _finding(
        fact,
        [fact],
        amount=format_minor(fact.amount, fact.currency),
        amount_limit=format_minor(limit, fact.currency),
    )


def young_drain(
    fact: Observed, opened_at: datetime | None, recent: Sequence[Observed], limits: YoungDrain
) -> Finding | None:
    """Find a wallet that was opened, filled and emptied within its first days.

    `recent` is what happened since it was opened; None for `opened_at` means long ago.
    """
    if fact.kind not in _DEBITS or opened_at is None:
        return None
    if fact.at - opened_at > timedelta(seconds=limits.age_seconds):
        return None
    credits = [one for one in recent if one.kind in _CREDITS and one.at <= fact.at]
    received = sum(one.amount for one in credits)
    if not is_drained(fact, received, limits):
        return None
    debits = [one for one in recent if one.kind in _DEBITS and one.at <= fact.at]
    return _finding(
        fact,
        [*credits, *debits],
        age_seconds=int((fact.at - opened_at).total_seconds()),
        received=format_minor(received, fact.currency),
        left=format_minor(fact.balance, fact.currency),
        percent_limit=limits.percent,
    )


def is_drained(fact: Observed, received: int, limits: YoungDrain) -> bool:
    """Tell whether so little is left after a fact of so much that came in."""
    is_enough = received >= minor(limits.received, fact.currency)
    return is_enough and fact.balance * 100 <= received * (100 - limits.percent)


def is_large(transfer: Transfer, limits: CircularTransfers) -> bool:
    """Tell whether a transfer is large enough to be a part of a circle."""
    return transfer.amount >= minor(limits.amount, transfer.currency)


def circular_transfers(
    transfer: Transfer, others: Iterable[Transfer], limits: CircularTransfers
) -> Finding | None:
    """Find a circle that this transfer is a part of, as its last one or, where its legs came
    late, as any other."""
    if not is_large(transfer, limits):
        return None
    least = minor(limits.amount, transfer.currency)
    span = timedelta(seconds=limits.window_seconds)
    ways: defaultdict[UUID, list[Transfer]] = defaultdict(list)
    for one in sorted(others, key=lambda one: (one.at, one.transaction)):
        if one.amount >= least and abs(one.at - transfer.at) <= span:
            ways[one.source].append(one)
    for circle in _circles(transfer, ways, limits):
        if len(circle) >= limits.transfers_min and _is_one_flow(circle, span, limits.percent):
            return _finding_of(sorted(circle, key=lambda one: one.at), limits)
    return None


def many_to_one(
    transfer: Transfer, received: Sequence[Observed], limits: ManyToOne
) -> Finding | None:
    """Find a window, with this transfer in it, in which many wallets sent money to one.

    `received` holds the destination's credits around the transfer, this one included.
    """
    span = timedelta(seconds=limits.window_seconds)
    near = [
        one
        for one in received
        if one.kind is Kind.RECEIVED and one.counterpart and abs(one.at - transfer.at) <= span
    ]
    if len({one.counterpart for one in near}) < limits.senders:
        return None
    near.sort(key=lambda one: one.at)
    least = minor(limits.amount, transfer.currency)
    for window in _windows(near, transfer.at, span):
        senders = {one.counterpart for one in window}
        total = sum(one.amount for one in window)
        if len(senders) >= limits.senders and total >= least:
            return _finding(
                window[-1],
                window,
                senders=len(senders),
                total=format_minor(total, transfer.currency),
                senders_limit=limits.senders,
                window_seconds=limits.window_seconds,
            )
    return None


def _circles(
    transfer: Transfer, ways: Mapping[UUID, Sequence[Transfer]], limits: CircularTransfers
) -> Iterator[tuple[Transfer, ...]]:
    """Walk from the transfer's destination to its source, over no wallet twice, on steps that can
    be of one flow with it."""
    stack: list[tuple[Transfer, ...]] = [(transfer,)]
    looked_at = 0
    while stack and looked_at < STEPS_MAX:
        way = stack.pop()
        visited = {one.source for one in way}
        steps = ways.get(way[-1].destination, ())
        looked_at += 1 + len(steps)
        for step in steps:
            if not _goes_on(way, step, limits.percent):
                continue
            if step.destination == transfer.source:
                yield (*way, step)
            elif len(way) + 1 < limits.transfers_max and step.destination not in visited:
                stack.append((*way, step))


def _goes_on(way: Sequence[Transfer], step: Transfer, percent: int) -> bool:
    """Tell whether a step can follow: about as large, and later; or, once, where the circle began,
    before the transfer from which we look."""
    here = way[0]
    if min(step.amount, here.amount) * 100 < max(step.amount, here.amount) * percent:
        return False
    has_begun = any(one.at < here.at for one in way)
    if has_begun:
        return way[-1].at <= step.at <= here.at
    return step.at >= way[-1].at or step.at <= here.at


def _is_one_flow(circle: Sequence[Transfer], span: timedelta, percent: int) -> bool:
    """Tell whether one sum of money can have gone round: in time, and undivided."""
    times = [one.at for one in circle]
    amounts = [one.amount for one in circle]
    return max(times) - min(times) <= span and min(amounts) * 100 >= max(amounts) * percent


def _windows(
    facts: Sequence[Observed], moment: datetime, span: timedelta
) -> Iterator[Sequence[Observed]]:
    """Cut the facts, which are in order, into windows that hold a moment: the latest end first."""
    for end in range(len(facts) - 1, -1, -1):
        if facts[end].at < moment:
            return
        since = facts[end].at - span
        if since < moment:
            yield [one for one in facts[: end + 1] if one.at > since]


def _finding(fact: Observed, found: Sequence[Observed], **numbers: str | int) -> Finding:
    return Finding(fact.wallet, fact.event, fact.at, tuple(one.event for one in found), numbers)


def _finding_of(circle: Sequence[Transfer], limits: CircularTransfers) -> Finding:
    first, last = circle[0], circle[-1]
    return Finding(
        wallet=first.source,
        trigger=last.transaction,
        at=last.at,
        events=tuple(one.event for one in circle),
        numbers={
            "transfers": len(circle),
            "sent": format_minor(first.amount, first.currency),
            "came_back": format_minor(last.amount, last.currency),
            "seconds": int((last.at - first.at).total_seconds()),
            "window_seconds": limits.window_seconds,
        },
    )


def _sum(found: Iterable[Observed], currency: str) -> str:
    return format_minor(sum(one.amount for one in found), currency)
