"""Retries can be seen: attempts, successes, exhaustions, by operation and cause."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from prometheus_client import REGISTRY

from wallet_project.kit import database as kit

QUICK = kit.RetryPolicy(contention_delay_ms=1, contention_jitter_ms=0, transient_delay_ms=1)


def seen(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize(
    ("number", "retry_type"), [(1213, "optimistic_lock"), (2013, "database_transient")]
)
def test_counts_tries_and_the_success_after_them(
    database: None, number: int, retry_type: str
) -> None:
    operation = f"heals-{number}"
    errors = [OperationalError(number, "once"), OperationalError(number, "twice")]

    def body() -> str:
        if errors:
            raise errors.pop()
        return "done"

    kit.run_retrying(body, QUICK, operation=operation)

    labels = {"operation": operation, "retry_type": retry_type}
    attempts = seen("wallet_retry_attempts_total", exception_type="OperationalError", **labels)
    assert attempts == 2
    assert seen("wallet_retry_successes_total", **labels) == 1
    assert seen("wallet_retry_exhaustions_total", **labels) == 0
    assert seen("wallet_retry_duration_seconds_count", **labels) == 1


def test_counts_the_surrender(database: None) -> None:
    def body() -> None:
        raise OperationalError(1213, "for ever")

    with pytest.raises(OperationalError):
        kit.run_retrying(body, QUICK, operation="hopeless")

    labels = {"operation": "hopeless", "retry_type": "optimistic_lock"}
    assert seen("wallet_retry_exhaustions_total", **labels) == 1
    assert seen("wallet_retry_successes_total", **labels) == 0


def test_says_nothing_of_what_succeeds_at_once(database: None) -> None:
    kit.run_retrying(lambda: None, QUICK, operation="smooth")

    assert not any(
        sample.labels.get("operation") == "smooth"
        for metric in REGISTRY.collect()
        for sample in metric.samples
    )
