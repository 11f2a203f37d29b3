"""Calls of a wallet service whose wallets have names and appear by themselves, as printed.

Host and port are exchanged, nothing else; each test is a client of its own, whose names are free.
"""

from __future__ import annotations

import itertools
import json
import os

import pytest

from tests.e2e.services import Service
from tests.e2e.test_published_calls import TIME

DEPOSIT = """curl -X POST http://localhost:3000/wallet/alice/deposit \\
  -H "Content-Type: application/json" \\
  -H "X-Request-ID: req-001" \\
  -d '{"amount": 100}'"""

BALANCE = "curl http://localhost:3000/wallet/alice"

TRANSFER = """curl -X POST http://localhost:3000/wallet/alice/transfer \\
  -H "Content-Type: application/json" \\
  -H "X-Request-ID: req-002" \\
  -d '{"toWalletId": "bob", "amount": 50}'"""

OTHER_BALANCE = "curl http://localhost:3000/wallet/bob"

HISTORY = "curl http://localhost:3000/wallet/alice/history"

HISTORY_PAGE = 'curl "http://localhost:3000/wallet/alice/history?limit=100&offset=0"'

TWICE = """curl -X POST http://localhost:3000/wallet/alice/deposit \\
  -H "Content-Type: application/json" \\
  -H "X-Request-ID: duplicate-test" \\
  -d '{"amount": 100}'"""

WITHDRAW = """curl -X POST http://localhost:3000/wallet/user-123/withdraw \\
  -H "Content-Type: application/json" \\
  -H "X-Request-ID: req-003" \\
  -d '{"amount": 50}'"""

_numbers = itertools.count(1)


@pytest.fixture
def caller(service: Service) -> Service:
    """A client that has no wallet yet."""
    return service.of_new_client(f"names-{os.getpid()}-{next(_numbers)}")


@pytest.fixture(params=["/wallet/", "/v1/wallet/"])
def base(request: pytest.FixtureRequest) -> str:
    """Both paths under which the calls were published."""
    return str(request.param)


def test_the_basic_workflow(caller: Service, base: str) -> None:
    def curl(printed: str) -> tuple[int, str]:
        reply = caller.curl(printed.replace("/wallet/", base))
        return reply.status, reply.text

    assert curl(DEPOSIT) == (201, '{"walletId":"alice","balance":100}')
    assert curl(BALANCE) == (200, '{"walletId":"alice","balance":100}')
    status, text = curl(TRANSFER)
    transfer = json.loads(text)
    assert status == 201
    assert transfer.pop("sagaId")
    assert transfer == {
        "state": "COMPLETED",
        "fromWalletId": "alice",
        "toWalletId": "bob",
        "amount": 50,
    }
    assert curl(BALANCE) == (200, '{"walletId":"alice","balance":50}')
    assert curl(OTHER_BALANCE) == (200, '{"walletId":"bob","balance":50}')
    status, text = curl(HISTORY)
    items = json.loads(text)
    assert status == 200
    assert all(TIME.fullmatch(item.pop("createdAt")) for item in items)
    assert items == [
        {"id": 1, "eventType": "WALLET_CREATED", "amount": None, "metadata": None},
        {
            "id": 2,
            "eventType": "FUNDS_DEPOSITED",
            "amount": 100,
            "metadata": {"requestId": "req-001"},
        },
        {
            "id": 3,
            "eventType": "TRANSFER_SENT",
            "amount": 50,
            "metadata": {"requestId": "req-002"},
        },
    ]
    assert curl(HISTORY_PAGE) == curl(HISTORY)


def test_no_key_is_needed_where_the_loopback_is_open(embedded_service: Service, base: str) -> None:
    # Under the second base it is a repeat, and told again.
    reply = embedded_service.curl(DEPOSIT.replace("/wallet/", base))

    assert (reply.status, reply.text) == (201, '{"walletId":"alice","balance":100}')


def test_the_duplicate_request(caller: Service, base: str) -> None:
    first = caller.curl(TWICE.replace("/wallet/", base))

    again = caller.curl(TWICE.replace("/wallet/", base))

    assert (first.status, first.text) == (201, '{"walletId":"alice","balance":100}')
    assert (again.status, again.text) == (first.status, first.text)
    assert again.headers["x-request-id"] == "duplicate-test"
    assert again.headers["idempotent-replayed"] == "true"
    balance = caller.curl(BALANCE.replace("/wallet/", base)).text
    assert balance == '{"walletId":"alice","balance":100}'


def test_withdrawals(caller: Service, base: str) -> None:
    printed = WITHDRAW.replace("/wallet/", base)
    missing = caller.curl(printed)
    assert (missing.status, missing.body["error"]) == (404, "WalletNotFoundError")
    deposit = DEPOSIT.replace("/wallet/", base).replace("alice", "user-123")
    caller.curl(deposit)

    done = caller.curl(printed)
    refused = caller.curl(printed.replace("50}", "51}").replace("req-003", "req-004"))

    assert (done.status, done.text) == (201, '{"walletId":"user-123","balance":50}')
    assert refused.status == 422
    assert list(refused.body) == ["statusCode", "error", "message", "timestamp"]
    assert (refused.body["statusCode"], refused.body["error"]) == (422, "InsufficientFundsError")
    reused = caller.curl(printed.replace("50}", "49}"))
    assert (reused.status, reused.body["error"]) == (409, "DuplicateRequestError")


def test_the_books_agree(caller: Service, base: str) -> None:
    for printed in (DEPOSIT, TRANSFER, TWICE, TWICE):
        caller.curl(printed.replace("/wallet/", base))

    assert caller.prove().endswith("sound.\n")
