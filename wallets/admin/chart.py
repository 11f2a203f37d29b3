"""The curve of a wallet's balance: some dozens of look-ups in an index, in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from ledger import queries as books
from wallet_project.kit.admin import money
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.money import format_minor
from wallets.staff_queries import WalletFacts

_INSTANT: Final = timedelta(microseconds=1)
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
    """Draw the balance at the end of each step, and now; None where no money ever moved."""
    row = facts.row
    if not row.posting_sequence:
        return None
    ends = _ends(facts.true_at, row.created_at, span)
    asked = [(row.pk, end - _INSTANT) for end in ends]
    balances = [past.balance for past in books.balances_at(asked, using=PRIMARY)]
    balances.append(row.balance)
    labels = [f"{end - _INSTANT:{span.label}}" for end in ends] + ["now"]
    low, high = min(balances), max(balances)
    return Chart(
        data=_data(labels, balances, row.currency),
        summary=(
            f"Balance over {span.title}: from {money(balances[0], row.currency)} to "
            f"{money(row.balance, row.currency)}, lowest {money(low, row.currency)}, "
            f"highest {money(high, row.currency)}."
        ),
    )


def _ends(present: datetime, created_at: datetime, span: Span) -> list[datetime]:
    """Tell when the steps ended that the wallet has seen, oldest first."""
    day = present.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    last = day if span.step < timedelta(days=1) else day.replace(hour=0)
    ends = (last - span.step * back for back in range(span.steps - 1, -1, -1))
    return [end for end in ends if end > created_at]


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
