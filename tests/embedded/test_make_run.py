"""`make run` on a machine with nothing but Python: the first five minutes of every user."""

from __future__ import annotations

import json
import os
import signal
import stat
import time
from pathlib import Path

import pytest

from tests.embedded.starting import (
    free_port,
    paste,
    processes_of,
    running,
    start,
    wait_until_none_is_left,
)

pytestmark = [pytest.mark.enable_socket, pytest.mark.timeout(240)]


def test_first_start_greets_with_calls_that_work_and_the_second_keeps_everything(
    tmp_path: Path,
) -> None:
    port = free_port()
    with running(tmp_path, port) as first:
        create, deposit, balance = first.calls()
        status, body = paste(create)
        assert (status, json.loads(body)["userId"]) == (201, "user123")
        status, body = paste(deposit)
        assert (status, json.loads(body)["amount"]) == (201, "100.00")
        status, body = paste(balance)
        assert (status, json.loads(body)["balance"]) == (200, "350.00")
        assert first.stop(signal.SIGINT) == 0
    assert wait_until_none_is_left(tmp_path) == []

    with running(tmp_path, port) as second:
        assert second.key == first.key
        assert second.calls() == first.calls()
        status, body = paste(second.calls()[2])
        assert (status, json.loads(body)["balance"]) == (200, "350.00")
        status, body = paste(second.calls()[1])
        assert json.loads(body)["balance"] == "350.00", "pasting it twice paid twice"


def test_secrets_are_the_owners_alone_and_no_log_holds_them(tmp_path: Path) -> None:
    with running(tmp_path, free_port()) as service:
        paste(service.calls()[2] + f' -H "Authorization: Bearer {service.key}"')
        for name in ("demo.env", "secret-key"):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
        secret_key = (tmp_path / "secret-key").read_text().strip()
        notes = dict(
            line.split("=", 1)
            for line in (tmp_path / "demo.env").read_text().splitlines()
            if not line.startswith("#")
        )
        secrets = (service.key, secret_key, notes["DEMO_ADMIN_PASSWORD"])
        assert service.key == notes["DEMO_API_KEY"]
        for log in (tmp_path / "logs").glob("*.log"):
            text = log.read_text()
            assert not any(secret in text for secret in secrets), log


def test_every_page_the_greeting_names_answers(tmp_path: Path) -> None:
    with running(tmp_path, free_port()) as service:
        for path in ("/", "/api/docs/", "/admin/login/", "/health", "/q/health", "/metrics"):
            status, _body = paste(f"curl {service.base}{path}")
            assert status == 200, path
        _status, health = paste(f"curl {service.base}/health")
        assert json.loads(health)["status"] == "ok"
        assert list(json.loads(health)["info"]) == ["database"]


def test_events_leave_the_outbox(tmp_path: Path) -> None:
    with running(tmp_path, free_port()):
        log = tmp_path / "events.jsonl"
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            lines = log.read_text().splitlines() if log.exists() else []
            if len(lines) >= 4:  # two wallets created, two deposits
                break
            time.sleep(0.2)
        assert len(lines) >= 4


def test_a_process_that_dies_is_started_again(tmp_path: Path) -> None:
    with running(tmp_path, free_port()) as service:
        before = set(processes_of(tmp_path))
        (worker,) = [pid for pid in before if b"\0worker\0" in _command(pid)]
        os.kill(worker, signal.SIGKILL)
        deadline = time.monotonic() + 30
        again: list[int] = []
        while not again and time.monotonic() < deadline:
            now = set(processes_of(tmp_path)) - before
            again = [pid for pid in now if b"\0worker\0" in _command(pid)]
            time.sleep(0.1)
        assert again
        assert paste(f"curl {service.base}/health/live")[0] == 200


def test_nothing_is_left_when_the_starter_is_killed(tmp_path: Path) -> None:
    with running(tmp_path, free_port()) as service:
        assert len(processes_of(tmp_path)) >= 5
        service.process.kill()
        service.process.wait()
        assert wait_until_none_is_left(tmp_path) == []


def test_a_taken_port_and_a_second_start_are_refused_in_one_sentence(tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path / "one", port):
        for home, sentence in (
            ("two", f"Port {port} is taken: "),
            ("one", "The service already runs with the data in "),
        ):
            second = start(tmp_path / home, port)
            printed, _ = second.communicate(timeout=30)
            assert second.returncode == 1
            assert printed.startswith(sentence)
            assert printed.count("\n") == 1


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
