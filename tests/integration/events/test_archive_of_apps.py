"""What consumers and wallets give to the archive, and what becomes of those who ask again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.db.models import F

from events import archive, tasks
from events.consumers.webhooks import deliveries
from events.consumers.webhooks.archives import DELIVERIES
from events.consumers.webhooks.deliverer import deliver_due
from events.consumers.webhooks.errors import DeliveryNotFound
from events.consumers.webhooks.models import WebhookAttempt, WebhookDelivery
from tests.archives import folder, lines
from tests.operations import messages, work
from tests.people import Company, asks, balance, books_now, fund
from tests.receiver import receiver
from tests.webhooks import endpoint_of, fan_out, local_rules, statuses
from wallet_project.kit.clock import now
from wallets import verification
from wallets.identity import WalletIdentity
from wallets.models import Operation, OperationStatus
from wallets.operations import deposit, withdraw
from wallets.operations._commands import MovementCommand
from wallets.operations.accept_operation import accept
from wallets.operations.apply_operations import apply_operations

__all__ = ["folder"]


def let_days_pass(days: int) -> None:
    """Make operations, deliveries and attempts so many days older."""
    earlier = timedelta(days=days)
    Operation.objects.update(processed_at=F("processed_at") - earlier)
    WebhookDelivery.objects.update(finished_at=F("finished_at") - earlier)
    WebhookAttempt.objects.update(started_at=F("started_at") - earlier)


class TestOperations:
    """Accepted operations."""

    @pytest.fixture
    def asked(self, alice: WalletIdentity) -> list[MovementCommand]:
        """A deposit that is made, a withdrawal that is refused, and a deposit that waits."""
        commands = [
            deposit.command(wallet=alice, request=asks(50, wallet=alice)),
            withdraw.command(wallet=alice, request=asks(80, wallet=alice)),
            deposit.command(wallet=alice, request=asks(7, wallet=alice)),
        ]
        for command in commands[:2]:
            accept(command)
        work(messages())
        accept(commands[2])
        return commands

    def test_only_what_was_made_leaves_and_only_when_it_is_old(
        self, asked: list[MovementCommand], folder: Path
    ) -> None:
        let_days_pass(89)
        tasks.archive_rows()
        assert Operation.objects.count() == 3
        made = Operation.objects.get(status=OperationStatus.COMPLETED)
        let_days_pass(2)
        tasks.archive_rows()

        assert list(Operation.objects.order_by("id").values_list("status", flat=True)) == [
            OperationStatus.FAILED,
            OperationStatus.PENDING,
        ]
        (line,) = lines(folder)
        assert (line["operation_id"], line["amount"]) == (str(made.operation_id), 50)
        assert verification.verify().findings == []

    def test_a_key_sent_again_moves_nothing_after_its_operation_has_left(
        self, alice: WalletIdentity, asked: list[MovementCommand]
    ) -> None:
        work()
        let_days_pass(91)
        tasks.archive_rows()
        again, refused = accept(asked[0]), accept(asked[1])
        assert (again.replayed, refused.replayed) == (False, True)
        before = books_now()
        apply_operations([again.operation_id])

        (row,) = Operation.objects.exclude(status=OperationStatus.FAILED)
        assert (row.operation_id, row.status) == (again.operation_id, OperationStatus.COMPLETED)
        assert books_now() == before
        assert balance(alice) == 57


class TestWebhooks:
    """Deliveries and their attempts."""

    @pytest.fixture(autouse=True)
    def rules(self, database: None, settings: Any) -> None:
        settings.WEBHOOKS = local_rules()

    @pytest.fixture
    def ended(self, client_acme: Company, alice: WalletIdentity, settings: Any) -> WebhookDelivery:
        """A delivery that went well, and a later one that waits for its retry."""
        with receiver(statuses=[200, 500]) as hook:
            endpoint_of(client_acme, hook.url)
            for amount in (500, 600):
                fund(alice, amount)
                fan_out()
                deliver_due(settings.WEBHOOKS)
        first, _ = WebhookDelivery.objects.order_by("pk")
        assert statuses() == ["SUCCEEDED", "PENDING"]
        return first

    def test_what_has_ended_leaves_with_its_attempts_and_what_waits_stays(
        self, client_acme: Company, ended: WebhookDelivery, folder: Path
    ) -> None:
        let_days_pass(29)
        tasks.archive_rows()
        assert (WebhookDelivery.objects.count(), WebhookAttempt.objects.count()) == (2, 2)
        let_days_pass(2)
        tasks.archive_rows()

        assert statuses() == ["PENDING"]
        assert WebhookAttempt.objects.count() == 0
        first, second, delivery = sorted(lines(folder), key=lambda line: "payload" in line)
        assert delivery["event_id"] == str(ended.event_id)
        assert delivery["payload"].encode() == bytes(ended.payload)
        assert (first["status_code"], second["status_code"]) == (200, 500)
        with pytest.raises(DeliveryNotFound):
            deliveries.redeliver(
                client=client_acme.id, endpoint=ended.endpoint_id, delivery=ended.pk
            )

    def test_one_that_was_sent_again_meanwhile_and_has_ended_stays(
        self, ended: WebhookDelivery
    ) -> None:
        let_days_pass(31)
        write = archive._write

        def meanwhile(name: str, content: bytes) -> str:
            WebhookDelivery.objects.filter(pk=ended.pk).update(finished_at=now())
            return write(name, content)

        before = archive.cutoff(DELIVERIES)
        assert before is not None
        with mock.patch.object(archive, "_write", side_effect=meanwhile):
            assert archive.move(DELIVERIES, before=before).rows == 0
        assert WebhookDelivery.objects.filter(pk=ended.pk).exists()
