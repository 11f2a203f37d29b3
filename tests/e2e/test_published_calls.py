"""Calls as other wallet services publish them, as printed, against the running service.

Host, port and the ids in braces are exchanged, nothing else.
"""

from __future__ import annotations

import re

import pytest

from tests.e2e.services import Reply, Service

CREATE = """curl -X POST http://localhost:8080/api/v1/wallets \\
  -H "Content-Type: application/json" \\
  -d '{"userId": "user123"}'"""

DEPOSIT = """curl -X POST http://localhost:8080/api/v1/wallets/{walletId}/deposit \\
  -H "Content-Type: application/json" \\
  -d '{"amount": "100.00", "referenceId": "dep123", "description": "Initial deposit"}'"""

WITHDRAW = """curl -X POST http://localhost:8080/api/v1/wallets/{walletId}/withdraw \\
  -H "Content-Type: application/json" \\
  -d '{"amount": "50.00", "referenceId": "wd123", "description": "Withdrawal"}'"""

TRANSFER = """curl -X POST http://localhost:8080/api/v1/wallets/{sourceId}/transfer \\
  -H "Content-Type: application/json" \\
  -d '{"destinationWalletId": "{destId}", "amount": "25.00", "referenceId": "xfer123", """ + (
    """"description": "Transfer"}'"""
)

BALANCE = "curl http://localhost:8080/api/v1/wallets/{walletId}/balance"

PAST_BALANCE = (
    'curl "http://localhost:8080/api/v1/wallets/{walletId}/balance/historical'
    '?timestamp=2024-01-01T10:30:00"'
)

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@pytest.fixture
def wallet_id(service: Service) -> str:
    """A wallet made by the printed call."""
    created = service.curl(CREATE)
    assert created.status == 201, created.text
    found: str = created.body["id"]
    return found


class TestMoneyCalls:
    """Create, deposit, withdraw, transfer, balance, historical balance."""

    def test_create_a_wallet(self, service: Service) -> None:
        reply = service.curl(CREATE)

        body = reply.body
        assert reply.status == 201
        assert reply.headers["location"].endswith(f"/api/v1/wallets/{body['id']}")
        assert (body["userId"], body["status"], body["currency"]) == ("user123", "ACTIVE", "USD")
        assert (body["balance"], body["held"], body["available"]) == ("0.00", "0.00", "0.00")
        assert (body["version"], body["metadata"], body["reference"]) == (1, {}, None)
        assert TIME.fullmatch(body["createdAt"])
        assert reply.headers["etag"] == '"1"'

    def test_the_same_call_without_a_key_makes_another_wallet(
        self, service: Service, wallet_id: str
    ) -> None:
        assert service.curl(CREATE).body["id"] != wallet_id

    def test_deposit(self, service: Service, wallet_id: str) -> None:
        reply = service.curl(DEPOSIT, walletId=wallet_id)

        body = reply.body
        assert reply.status == 201
        assert reply.headers["location"].endswith(f"/api/v1/transactions/{body['transactionId']}")
        assert reply.headers["idempotency-key"] == "dep123"
        assert TIME.fullmatch(body.pop("createdAt"))
        assert body.pop("transactionId")
        assert body == {
            "type": "DEPOSIT",
            "walletId": wallet_id,
            "amount": "100.00",
            "currency": "USD",
            "balance": "100.00",
            "version": 2,
            "referenceId": "dep123",
            "description": "Initial deposit",
        }

    def test_the_same_deposit_again_is_told_byte_for_byte_and_done_once(
        self, service: Service, wallet_id: str
    ) -> None:
        first = service.curl(DEPOSIT, walletId=wallet_id)

        again = service.curl(DEPOSIT, walletId=wallet_id)

        assert (again.status, again.text) == (first.status, first.text)
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
        assert service.curl(BALANCE, walletId=wallet_id).body["balance"] == "100.00"

    def test_withdraw(self, service: Service, wallet_id: str) -> None:
        service.curl(DEPOSIT, walletId=wallet_id)

        reply = service.curl(WITHDRAW, walletId=wallet_id)

        assert reply.status == 201
        assert (reply.body["type"], reply.body["amount"]) == ("WITHDRAWAL", "50.00")
        assert (reply.body["balance"], reply.body["version"]) == ("50.00", 3)

    def test_withdraw_more_than_there_is(self, service: Service, wallet_id: str) -> None:
        reply = service.curl(WITHDRAW, walletId=wallet_id)

        assert reply.status == 422
        assert reply.headers["content-type"] == "application/problem+json"
        assert (reply.body["code"], reply.body["shortfall"]) == ("insufficient_funds", "50.00")
        balance = service.curl(BALANCE, walletId=wallet_id).body
        assert (balance["balance"], balance["version"]) == ("0.00", 1)

    def test_transfer(self, service: Service, wallet_id: str) -> None:
        service.curl(DEPOSIT, walletId=wallet_id)
        destination = service.curl(CREATE).body["id"]

        reply = service.curl(TRANSFER, sourceId=wallet_id, destId=destination)

        assert reply.status == 201
        assert (reply.body["destinationWalletId"], reply.body["balance"]) == (destination, "75.00")
        received = service.curl(BALANCE, walletId=destination).body
        assert received["balance"] == "25.00"

    def test_balance(self, service: Service, wallet_id: str) -> None:
        service.curl(DEPOSIT, walletId=wallet_id)

        body = service.curl(BALANCE, walletId=wallet_id).body

        assert TIME.fullmatch(body.pop("asOf"))
        assert body == {
            "walletId": wallet_id,
            "balance": "100.00",
            "held": "0.00",
            "available": "100.00",
            "currency": "USD",
            "version": 2,
            "stale": False,
        }

    def test_historical_balance_before_the_wallet_was_made(
        self, service: Service, wallet_id: str
    ) -> None:
        service.curl(DEPOSIT, walletId=wallet_id)

        reply = service.curl(PAST_BALANCE, walletId=wallet_id)

        assert reply.status == 200
        assert reply.body == {
            "walletId": wallet_id,
            "balance": "0.00",
            "currency": "USD",
            "asOf": "2024-01-01T10:30:00.000000Z",
            "postingSequence": 0,
            "transactionId": None,
            "final": True,
        }

    def test_historical_balance_at_the_moment_of_a_deposit(
        self, service: Service, wallet_id: str
    ) -> None:
        deposit = service.curl(DEPOSIT, walletId=wallet_id).body
        service.curl(WITHDRAW, walletId=wallet_id)

        printed = PAST_BALANCE.replace("2024-01-01T10:30:00", deposit["createdAt"])
        body = service.curl(printed, walletId=wallet_id).body

        assert (body["balance"], body["transactionId"]) == ("100.00", deposit["transactionId"])

    def test_a_wallet_by_its_id(self, service: Service, wallet_id: str) -> None:
        reply = service.curl(f"curl http://localhost:8080/api/v1/wallets/{wallet_id}")

        assert (reply.status, reply.body["id"], reply.body["balance"]) == (200, wallet_id, "0.00")


class TestOperatorsCalls:
    """Health, metrics and documentation, where the published services have them."""

    def test_health(self, service: Service) -> None:
        reply = service.curl("curl http://localhost:8080/health")

        assert reply.status == 200
        assert reply.body["status"] == "ok"
        assert reply.body["info"]["database"]["status"] == "up"

    def test_quarkus_style_health(self, service: Service) -> None:
        reply = service.curl("curl http://localhost:8080/q/health")

        assert (reply.status, reply.body["status"]) == (200, "UP")

    @pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
    def test_probes(self, service: Service, path: str) -> None:
        assert service.curl(f"curl http://localhost:8080{path}").status == 200

    def test_metrics_count_operations(self, service: Service, wallet_id: str) -> None:
        service.curl(DEPOSIT, walletId=wallet_id)

        text = service.curl("curl http://localhost:8080/metrics").text

        lines = [line for line in text.splitlines() if line.startswith("wallet_operations_total")]
        assert any('operation="deposit"' in line and 'outcome="ok"' in line for line in lines)

    @pytest.mark.parametrize(
        "path", ["/q/swagger-ui/", "/swagger/index.html", "/swagger", "/api", "/api/docs/"]
    )
    def test_interactive_documentation(self, service: Service, path: str) -> None:
        reply: Reply = service.curl(f"curl --location http://localhost:8080{path}")

        assert "swagger" in reply.text.lower()


@pytest.mark.full_stack
def test_the_full_service_tells_nothing_without_a_key(full_service: Service) -> None:
    stranger = Service(full_service.base, key=None, name="stranger")

    reply = stranger.curl(CREATE)

    assert (reply.status, reply.body["code"]) == (401, "unauthenticated")
    assert reply.headers["www-authenticate"].startswith("Bearer")
