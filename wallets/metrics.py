"""Counters of the money path. Labels never name a wallet or a client."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

OPERATIONS: Final = Counter(
    "wallet_operations_total",
    "Operations by what they were and how they ended.",
    ["operation", "outcome"],
)
"""outcome: `ok`, `replayed`, or the code of the refusal."""

DURATION: Final = Histogram(
    "wallet_operation_duration_seconds",
    "From the call of an operation to its outcome.",
    ["operation"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

LIST_LENGTH: Final = Histogram(
    "wallet_group_commit_list_length",
    "Commands that shared one transaction.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
)

THROTTLED: Final = Counter(
    "wallet_throttled_total",
    "Calls turned away because a bucket was empty.",
    ["bucket"],
)
"""bucket: `requests`, `withdrawals` or `address`."""

LIMITER_FALLBACK: Final = Gauge(
    "wallet_rate_limiter_fallback",
    "Processes that count for themselves because Redis does not answer.",
    multiprocess_mode="livesum",
)
