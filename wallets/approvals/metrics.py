"""Counters of four eyes. Labels never name a person."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

ENDED: Final = Counter(
    "wallet_approvals_total",
    "Requests for approval by kind and what became of them.",
    ["kind", "status"],
)
ALTERED: Final = Counter(
    "wallet_approvals_altered_total",
    "Requests whose row was not what was asked for; any is an alarm.",
)
