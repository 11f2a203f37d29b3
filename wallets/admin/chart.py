"""The curve of a wallet's balance: its movements where they are few, else some dozens of look-ups
in an index, in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

import msgspec

from ledger import account_feed
from ledger import queries as books
from wallet_project.kit.admin import money
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.money import format_minor
from wallets.staff_queries import WalletFacts

_INSTANT: Final = timedelta(microseconds=1)
_MOVE_LABEL: Final = "%d %b %Y %H:%M:%S"
MOVES_MAX: Final = 200
STEPS_MIN: Final = 6
_JSON: Final = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Span:
    """How far back the curve goes, and by which steps."""

    name: str
    title: str
    step: timedelta
    steps: int
    label: str
    """How a point is written, in UTC."""


SPANS: Final = (
    Span("day", "24 hours", timedelta(hours=1), 24, "%d %b %H:%M"),
    Span("month", "60 days", timedelta(days=1), 60, "%d %b"),
    Span("year", "1 year", timedelta(weeks=1), 53, "%d %b %Y"),
)


@dataclass(frozen=True, slots=True)
class Chart:
    """A curve for the page, and the same in words."""

    data: str
    """What Chart.js draws, as JSON."""
    summary: str


def span_named(name: str, facts: WalletFacts) -> Span:
    """Find a span; without a name the one that fits the wallet's age."""
    for span in SPANS:
        if span.name == name:
            return span
    age = facts.true_at - facts.row.created_at
    fitting = [span for span in SPANS if span.step * span.steps >= age]
    return fitting[0] if fitting else SPANS[1]


def chart(facts: WalletFacts, span: Span) -> Chart | None:
    """Draw the balance at the end of each step, at each movement where they are not too many, and
    now; None where no money ever moved."""
    row = facts.row
    if not row.posting_sequence:
        return None
    first = facts.true_at - span.step * span.steps
    is_young = row.created_at > first
    since = row.created_at if is_young else first
    moves = _moves(row.pk, since, facts.true_at)
    ends = _ends(facts.true_at, since, span)
    points = _sampled(facts, ends, since) if moves is None else _exact(facts, ends, since, moves)
    balances = [*(balance for _, balance in points), row.balance]
    labels = [f"{at:{span.label if at in ends else _MOVE_LABEL}}" for at, _ in points]
    low, high = min(balances), max(balances)
    during = f"since {since:{_MOVE_LABEL}} UTC" if is_young else f"over {span.title}"
    sampled = "" if moves is not None else " Seen at the end of each step: there are many moves."
    return Chart(
        data=_data([*labels, "now"], balances, row.currency),
        summary=(
            f"Balance {during}: from {money(balances[0], row.currency)} to "
            f"{money(row.balance, row.currency)}, lowest {money(low, row.currency)}, "
            f"highest {money(high, row.currency)}.{sampled}"
        ),
    )


def _moves(wallet: UUID, since: datetime, until: datetime) -> list[tuple[datetime, int]] | None:
    """List the movements of a time with their amounts; None where they are too many to draw."""
    page = next(account_feed.postings_since(wallet, since, page=MOVES_MAX + 1), [])
    if len(page) > MOVES_MAX:
        return None
    return [(one.posted_at, one.amount) for one in page if one.posted_at <= until]


def _exact(
    facts: WalletFacts, ends: list[datetime], since: datetime, moves: list[tuple[datetime, int]]
) -> list[tuple[datetime, int]]:
    """Tell the balance at the beginning, after each movement, and at the end of each step."""
    balance = facts.row.balance - sum(amount for _, amount in moves)
    points = [(since, balance)]
    steps = [(end, 0) for end in ends]
    # A step has ended before what happens at its end.
    for at, amount in sorted(steps + moves, key=lambda one: (one[0], one[1] != 0)):
        balance += amount
        points.append((at, balance))
    return points


def _sampled(
    facts: WalletFacts, ends: list[datetime], since: datetime
) -> list[tuple[datetime, int]]:
    asked = [(facts.row.pk, end - _INSTANT) for end in (since, *ends)]
    found = books.balances_at(asked, using=PRIMARY)
    return list(zip((since, *ends), (past.balance for past in found), strict=True))


def _ends(present: datetime, since: datetime, span: Span) -> list[datetime]:
    """Tell when the steps ended that the wallet has seen, oldest first; of a wallet that has hardly
    seen any, equal parts of its age."""
    day = present.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    last = day if span.step < timedelta(days=1) else day.replace(hour=0)
    ends = (last - span.step * back for back in range(span.steps - 1, -1, -1))
    found = [end for end in ends if end > since]
    if len(found) >= STEPS_MIN:
        return found
    part = (present - since) // STEPS_MIN
    return [since + part * number for number in range(1, STEPS_MIN)]


def _data(labels: Sequence[str], balances: Sequence[int], currency: str) -> str:
    curve = {
        "label": f"Balance ({currency})",
        # Numbers of JSON, digit by digit: Chart.js rounds them for the eye, nothing is added up.
        "data": [Decimal(format_minor(balance, currency)) for balance in balances],
        "borderColor": "var(--color-primary-600)",
        "stepped": True,
        "displayYAxis": True,
        "suffixYAxis": currency,
        "maxTicksXLimit": 8,
    }
    return _JSON.encode({"labels": labels, "datasets": [curve]}).decode()
