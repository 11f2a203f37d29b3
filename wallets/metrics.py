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

ACCEPTED_TOGETHER: Final = Histogram(
    "wallet_accepted_list_length",
    "Asynchronous operations that were accepted in one transaction.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
)

PENDING_OPERATIONS: Final = Gauge(
    "wallet_operations_pending",
    "Asynchronous operations that were accepted and are not applied yet.",
    multiprocess_mode="mostrecent",
)

OLDEST_OPERATION_SECONDS: Final = Gauge(
    "wallet_operations_oldest_pending_seconds",
    "Age in seconds of the asynchronous operation that waits longest.",
    multiprocess_mode="mostrecent",
)

OPEN_PAYOUTS: Final = Gauge(
    "wallet_payouts_open",
    "Payouts that are neither paid nor refused yet.",
    ["status"],
    multiprocess_mode="mostrecent",
)

OVERDUE_PAYOUT_SECONDS: Final = Gauge(
    "wallet_payouts_overdue_seconds",
    "For how long in seconds the next step of a payout has been due, at most.",
    multiprocess_mode="mostrecent",
)

AUDIT_FINDINGS: Final = Counter(
    "wallet_audit_findings_total",
    "Findings of the live auditor, by the invariant that does not hold.",
    ["invariant"],
)

AUDIT_OPEN_ALERTS: Final = Gauge(
    "wallet_audit_open_alerts",
    "Wallets that the live auditor found wrong and that are not right again.",
    multiprocess_mode="mostrecent",
)

AUDIT_WALK_SECONDS: Final = Gauge(
    "wallet_audit_walk_age_seconds",
    "Age in seconds of the oldest look at a wallet by the live auditor, at most.",
    multiprocess_mode="mostrecent",
)

AUDIT_BEHIND: Final = Gauge(
    "wallet_audit_behind_postings",
    "Settled postings that the live auditor has not looked at yet, as a number of ids.",
    multiprocess_mode="mostrecent",
)

AUDIT_STEPPED_OVER: Final = Counter(
    "wallet_audit_stepped_over_total",
    "Wallets that the live auditor could not look at, and went on without.",
)

ISSUER_FETCHES: Final = Counter(
    "wallet_issuer_key_fetches_total",
    "Fetches of the token issuer's keys.",
    ["outcome"],
)
"""outcome: `ok` or `failed`."""

THROTTLED: Final = Counter(
    "wallet_throttled_total",
    "Calls turned away because a bucket was empty.",
    ["bucket"],
)
"""bucket: `requests`, `withdrawals` or `address`."""

DENIED: Final = Counter(
    "wallet_denied_total",
    "Calls that were answered 401, 403 or 404, by the code of the answer.",
    ["code"],
)

LIMITER_FALLBACK: Final = Gauge(
    "wallet_rate_limiter_fallback",
    "Processes that count for themselves because Redis does not answer.",
    multiprocess_mode="livesum",
)
