"""Counters of what guards the books."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge

LATE_POSTINGS: Final = Counter(
    "wallet_ledger_late_postings_total",
    "Postings that turned up in a range after it had been sealed.",
)

BROKEN_SEALS: Final = Counter(
    "wallet_ledger_broken_seals_total",
    "Seals that no longer fit their postings, as often as somebody noticed.",
)

LAST_SEAL_SECONDS: Final = Gauge(
    "wallet_ledger_last_seal_timestamp_seconds",
    "When the newest seal was made.",
    multiprocess_mode="mostrecent",
)
