"""What retrying costs: counters that say which operation had to run again, and why."""

from __future__ import annotations

import time
from typing import Final

from prometheus_client import Counter, Histogram

OPTIMISTIC_LOCK: Final = "optimistic_lock"
"""Two transactions got in each other's way."""
DATABASE_TRANSIENT: Final = "database_transient"
"""The connection or the server was to blame."""
KAFKA_PUBLISH: Final = "kafka_publish"
"""The broker did not acknowledge."""
KAFKA_CONSUME: Final = "kafka_consume"
"""The broker gave nothing to read, or took no offsets."""
EVENT_HANDLER: Final = "event_handler"
"""The handler of an event failed."""

ATTEMPTS: Final = Counter(
    "wallet_retry_attempts_total",
    "Tries after the first, by what made them necessary.",
    ["operation", "retry_type", "exception_type"],
)
SUCCESSES: Final = Counter(
    "wallet_retry_successes_total",
    "Operations that succeeded after at least one retry.",
    ["operation", "retry_type"],
)
EXHAUSTIONS: Final = Counter(
    "wallet_retry_exhaustions_total",
    "Operations that were given up after their last retry. Page someone.",
    ["operation", "retry_type"],
)
DURATION: Final = Histogram(
    "wallet_retry_duration_seconds",
    "From the first failure to the success or the surrender.",
    ["operation", "retry_type"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10),
)


class RetryCount:
    """Counts the retries of one run of one operation; silent when there are none."""

    def __init__(self, operation: str) -> None:
        self._operation = operation
        self._retry_type = ""
        self._failed_at = 0.0

    def again(self, retry_type: str, error: BaseException) -> None:
        """Note that a failure leads to one more try."""
        if not self._retry_type:
            self._failed_at = time.monotonic()
        self._retry_type = retry_type
        ATTEMPTS.labels(self._operation, retry_type, type(error).__name__).inc()

    def succeeded(self) -> None:
        """Note the success; counts only if there was a retry."""
        if self._retry_type:
            SUCCESSES.labels(self._operation, self._retry_type).inc()
            self._observe(self._retry_type)

    def gave_up(self, retry_type: str) -> None:
        """Note that no further try is made."""
        EXHAUSTIONS.labels(self._operation, retry_type).inc()
        self._observe(retry_type)

    def _observe(self, retry_type: str) -> None:
        since = self._failed_at or time.monotonic()
        DURATION.labels(self._operation, retry_type).observe(time.monotonic() - since)
