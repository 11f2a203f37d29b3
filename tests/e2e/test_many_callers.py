"""Many callers at once, over HTTP, against the full service with its several processes."""

from __future__ import annotations

import http.client
import json
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.services import Service

pytestmark = [pytest.mark.full_stack, pytest.mark.stress]

THREADS = 40


@dataclass
class Caller:
    """One connection that is kept open, as a backend's HTTP client keeps it."""

    service: Service

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(self.service.base).netloc, timeout=20)

    def post(self, path: str, body: Any, **headers: str) -> tuple[int, bytes]:
        """Send one request; return status and body."""
        sent = {"Content-Type": "application/json", "Authorization": f"Bearer {self.service.key}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request("POST", "/api/v1" + path, json.dumps(body), sent)
        answer = self.connection.getresponse()
        return answer.status, answer.read()


def at_once(job: Callable[[int], None], count: int) -> None:
    """Run a job in many threads that start together."""
    barrier = threading.Barrier(count)

    def run(number: int) -> None:
        barrier.wait()
        job(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)


def new_wallet(caller: Caller, amount: str) -> str:
    """Open a wallet and fund it."""
    status, body = caller.post("/wallets", {"userId": "crowd"})
    assert status == 201
    wallet: str = json.loads(body)["id"]
    assert caller.post(f"/wallets/{wallet}/deposit", {"amount": amount})[0] == 201
    return wallet


def balance_of(service: Service, wallet: str) -> str:
    found: str = service.curl(f"curl http://localhost:8080/api/v1/wallets/{wallet}/balance").body[
        "balance"
    ]
    return found


def test_forty_callers_lose_nothing_and_meet_no_500(full_service: Service) -> None:
    wallets = [new_wallet(Caller(full_service), "500.00") for _ in range(3)]
    statuses: Counter[int] = Counter()
    net_minor: Counter[str] = Counter()

    def job(number: int) -> None:
        caller = Caller(full_service)
        generator = random.Random(number)
        for _ in range(25):
            source, destination = generator.sample(wallets, 2)
            minor = generator.randint(1, 9_000)
            body = {"amount": f"{minor // 100}.{minor % 100:02}"}
            verb = ("deposit", "withdraw", "transfer", "transfer")[number % 4]
            if verb == "transfer":
                body["destinationWalletId"] = destination
            status, _ = caller.post(f"/wallets/{source}/{verb}", body)
            statuses[status] += 1
            if status == 201 and verb != "transfer":
                net_minor["in"] += minor if verb == "deposit" else -minor

    at_once(job, THREADS)

    assert set(statuses) <= {201, 422}
    assert sum(statuses.values()) == THREADS * 25
    balances = [int(balance_of(full_service, wallet).replace(".", "")) for wallet in wallets]
    assert min(balances) >= 0
    assert sum(balances) == 3 * 50_000 + net_minor["in"]
    assert full_service.prove().endswith("sound.\n")


def test_one_key_sent_a_hundred_times_at_once_has_one_effect_and_one_body(
    full_service: Service,
) -> None:
    wallet = new_wallet(Caller(full_service), "1.00")
    answers: list[tuple[int, bytes]] = []

    def job(number: int) -> None:
        caller = Caller(full_service)
        answers.append(
            caller.post(f"/wallets/{wallet}/withdraw", {"amount": "1.00"}, Idempotency_Key="once")
        )

    at_once(job, 100)

    assert {status for status, _ in answers} == {201}
    assert len({body for _, body in answers}) == 1
    assert balance_of(full_service, wallet) == "0.00"
    status, body = Caller(full_service).post(
        f"/wallets/{wallet}/withdraw", {"amount": "0.50"}, Idempotency_Key="once"
    )
    assert (status, json.loads(body)["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("keys", [("Key-A", "key-a", "KEY-A"), ("k%C3%A9y", "key", "kEy")])
def test_keys_that_differ_in_case_or_accent_are_different(
    full_service: Service, keys: tuple[str, ...]
) -> None:
    wallet = new_wallet(Caller(full_service), "10.00")

    for key in keys:
        status, _ = Caller(full_service).post(
            f"/wallets/{wallet}/withdraw", {"amount": "1.00"}, Idempotency_Key=f"{wallet}{key}"
        )
        assert status == 201
    for reference in ("kéy", "key", "Kéy", "kèy", "key "):
        status, _ = Caller(full_service).post(
            f"/wallets/{wallet}/withdraw", {"amount": "1.00", "referenceId": reference}
        )
        assert status == 201

    assert balance_of(full_service, wallet) == "2.00"
