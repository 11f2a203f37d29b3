"""Health: shapes, what each loss means, and that no request waits for a dependency."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator

import pytest
from django.test import Client

from wallet_project import health
from wallet_project.kit import monitor
from wallet_project.kit.monitor import Finding, Monitor, Probe
from wallets.operations import group_commit

UP = Finding(up=True, response_ms=2)
DOWN = Finding(up=False, response_ms=0)


class Lost(Exception):
    """A dependency does not answer."""


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Finding]]:
    """What the background checks are supposed to have found."""
    findings = {"database": UP, "replica": UP, "redis": UP, "kafka": UP}

    class Known:
        def findings(self, *, wait_seconds: float) -> dict[str, Finding]:
            return dict(findings)

    monkeypatch.setattr(health, "monitor", Known)
    monkeypatch.setattr(health, "_draining", False)
    yield findings


def _get(path: str) -> tuple[int, dict[str, object]]:
    answer = Client(headers={"host": "localhost"}).get(path)
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code, json.loads(answer.content)


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
def test_shape_when_all_is_well(found: dict[str, Finding], path: str) -> None:
    part = {"status": "up", "responseTime": 2}
    info = dict.fromkeys(("database", "replica", "redis", "kafka"), part)
    assert _get(path) == (200, {"status": "ok", "info": info})


def test_shape_of_the_other_dialect(found: dict[str, Finding]) -> None:
    found.clear()
    found["database"] = UP
    check = {"name": "database", "status": "UP", "data": {"responseTime": 2}}
    assert _get("/q/health") == (200, {"status": "UP", "checks": [check]})
    found["database"] = DOWN
    status, body = _get("/q/health")
    assert (status, body["status"]) == (503, "DOWN")


@pytest.mark.parametrize(
    ("lost", "status", "word"),
    [
        (["redis"], 200, "degraded"),
        (["kafka"], 200, "degraded"),
        (["replica"], 200, "degraded"),
        (["database"], 200, "degraded"),
        (["redis", "kafka", "replica"], 200, "degraded"),
        (["database", "replica"], 503, "error"),
    ],
)
def test_ready_while_any_database_answers(
    found: dict[str, Finding], lost: list[str], status: int, word: str
) -> None:
    found.update(dict.fromkeys(lost, DOWN))
    code, body = _get("/health/ready")
    assert (code, body["status"]) == (status, word)


def test_ready_turns_red_when_nothing_is_written(
    found: dict[str, Finding], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "oldest_age_seconds", lambda: 5.5)
    code, body = _get("/health/ready")
    assert (code, body["status"]) == (503, "error")
    assert body["info"]["writes"] == {"status": "down", "responseTime": 5500}  # type: ignore[index]


def test_ready_turns_red_while_draining_and_live_does_not(found: dict[str, Finding]) -> None:
    health.start_draining()
    assert _get("/health/ready")[0] == 503
    assert _get("/health/live") == (200, {"status": "ok", "info": {}})


def test_live_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "monitor", lambda: pytest.fail("live asked"))
    assert _get("/health/live")[0] == 200


def test_health_is_read_only() -> None:
    assert Client(headers={"host": "localhost"}).post("/health").status_code == 405


def test_answers_are_cached_and_asked_once() -> None:
    asked = []
    probes = [Probe("redis", lambda: asked.append(1), (Lost,), 60.0)]
    watching = Monitor(probes)
    for _ in range(5):
        assert watching.findings(wait_seconds=2)["redis"].up
    assert len(asked) == 1


def test_a_probe_that_hangs_costs_the_first_request_a_bounded_wait_and_counts_as_down() -> None:
    hang = threading.Event()
    watching = Monitor([Probe("kafka", lambda: void(hang.wait(30)), (Lost,), 60.0)])
    started = time.monotonic()
    assert watching.findings(wait_seconds=0.2) == {"kafka": DOWN}
    assert time.monotonic() - started < 2
    hang.set()
    assert watching.findings(wait_seconds=2)["kafka"].up


def test_an_answer_that_is_too_old_counts_as_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "HUNG_SECONDS", 0.0)
    hang = threading.Event()
    asked = []

    def answer_once() -> None:
        asked.append(1)
        if len(asked) > 1:
            hang.wait(30)

    watching = Monitor([Probe("redis", answer_once, (Lost,), 0.05)])
    watching.findings(wait_seconds=2)
    time.sleep(0.3)
    assert not watching.findings(wait_seconds=0)["redis"].up
    hang.set()


def test_recovery_is_noticed_before_the_next_regular_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(monitor, "RECHECK_SECONDS", 0.05)
    well = threading.Event()

    def ask() -> None:
        if not well.is_set():
            raise Lost("gone")

    watching = Monitor([Probe("redis", ask, (Lost,), 3600.0)])
    assert not watching.findings(wait_seconds=2)["redis"].up
    well.set()
    deadline = time.monotonic() + 5
    while not watching.findings(wait_seconds=0)["redis"].up and time.monotonic() < deadline:
        time.sleep(0.02)
    assert watching.findings(wait_seconds=0)["redis"].up


def void(_: object) -> None:
    """Turn an answer into none."""
