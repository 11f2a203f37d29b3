"""`make run` on a machine with nothing but Python: the first five minutes of every user."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from standardwebhooks import Webhook

from tests.embedded.starting import (
    Started,
    free_port,
    paste,
    processes_of,
    running,
    start,
    wait_until_none_is_left,
)
from tests.http import Api, Live
from tests.receiver import receiver

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """Share one running service among the tests that do not end it."""
    with running(tmp_path_factory.mktemp("home"), free_port()) as started:
        yield started


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


def test_secrets_are_the_owners_alone_and_no_log_holds_them(service: Started) -> None:
    paste(service.calls()[2] + f' -H "Authorization: Bearer {service.key}"')
    for name in ("demo.env", "secret-key"):
        assert stat.S_IMODE((service.home / name).stat().st_mode) == 0o600
    secret_key = (service.home / "secret-key").read_text().strip()
    notes = dict(
        line.split("=", 1)
        for line in (service.home / "demo.env").read_text().splitlines()
        if not line.startswith("#")
    )
    words = ("PASSWORD", "SECRET")
    of_staff = [notes[f"DEMO_{role}_{word}"] for role in ("ADMIN", "MAKER") for word in words]
    secrets = (service.key, secret_key, *of_staff)
    assert service.key == notes["DEMO_API_KEY"]
    for log in (service.home / "logs").glob("*.log"):
        text = log.read_text()
        assert not any(secret in text for secret in secrets), log


def test_every_page_the_greeting_names_answers(service: Started) -> None:
    for path in ("/", "/api/docs/", "/admin/login/", "/health", "/q/health", "/metrics"):
        status, _body = paste(f"curl {service.base}{path}")
        assert status == 200, path
    _status, health = paste(f"curl {service.base}/health")
    assert json.loads(health)["status"] == "ok"
    assert list(json.loads(health)["info"]) == ["database"]


def test_a_long_request_right_behind_another_one_is_answered(service: Started) -> None:
    """Nothing stands in front of it here: a caller who has an answer sends the next request at
    once, and a server that is still putting the first one away must not close the connection."""
    lines = [
        {"type": "deposit", "walletId": "demo", "amount": "0.01", "referenceId": f"{'x' * 60}-{n}"}
        for n in range(1_000)
    ]
    body = json.dumps({"transactions": lines}).encode()
    assert len(body) > 100_000
    head = f"Host: localhost\r\nAuthorization: Bearer {service.key}\r\n"
    first = f"GET /health/live HTTP/1.1\r\n{head}\r\n"
    second = (
        f"POST /api/v1/transactions/bulk HTTP/1.1\r\n{head}Connection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    where = urlsplit(service.base)
    with socket.create_connection((where.hostname, where.port), timeout=30) as connection:
        connection.sendall(first.encode() + second.encode() + body)
        told = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert told.count(b"HTTP/1.1 200 OK\r\n") == 2, told[:2_000]


def test_events_leave_the_outbox(service: Started) -> None:
    log = service.home / "events.jsonl"
    lines: list[str] = []
    deadline = time.monotonic() + 30
    while len(lines) < 4 and time.monotonic() < deadline:  # two wallets made, two deposits
        lines = log.read_text().splitlines() if log.exists() else []
        time.sleep(0.2)
    assert len(lines) >= 4


def test_a_receiver_on_this_machine_is_told_of_a_deposit(service: Started) -> None:
    api = Api(transport=Live(service.base))  # the open loopback needs no key
    with receiver() as hook:
        made = api.post("/webhook-endpoints", {"url": hook.url}).json
        wallet = api.post("/wallets", {}).json["id"]
        assert api.deposit(wallet, "25.00").status == 201
        deadline = time.monotonic() + 60
        while len(hook.calls) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        calls = list(hook.calls)
    told = {
        event["data"]["sequence"]: event["type"]
        for event in (Webhook(made["secret"]).verify(call.body, call.headers) for call in calls)
    }
    assert told == {1: "wallet.created.v1", 2: "wallet.deposited.v1"}


def test_a_process_that_dies_is_started_again(service: Started) -> None:
    before = set(processes_of(service.home))
    (worker,) = [pid for pid in before if b"\0worker\0" in _command(pid)]
    os.kill(worker, signal.SIGKILL)
    deadline = time.monotonic() + 30
    again: list[int] = []
    while not again and time.monotonic() < deadline:
        now = set(processes_of(service.home)) - before
        again = [pid for pid in now if b"\0worker\0" in _command(pid)]
        time.sleep(0.1)
    assert again
    assert paste(f"curl {service.base}/health/live")[0] == 200


def test_a_taken_port_and_a_second_start_are_refused_in_one_sentence(
    service: Started, tmp_path: Path
) -> None:
    port = int(service.base.rpartition(":")[2])
    for home, sentence in (
        (tmp_path, f"Port {port} is taken: "),
        (service.home, "The service already runs with the data in "),
    ):
        second = start(home, port)
        printed, _ = second.communicate(timeout=30)
        assert second.returncode == 1
        assert printed.startswith(sentence)
        assert printed.count("\n") == 1


def test_nothing_is_left_when_the_starter_is_killed(tmp_path: Path) -> None:
    with running(tmp_path, free_port()) as doomed:
        assert len(processes_of(tmp_path)) >= 5
        doomed.process.kill()
        doomed.process.wait()
        assert wait_until_none_is_left(tmp_path) == []


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
