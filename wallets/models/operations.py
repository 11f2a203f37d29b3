"""Operations that were accepted and are applied afterwards."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from wallet_project.kit.fields import BinaryUUIDField, DigestField


class OperationStatus(models.IntegerChoices):
    """Where an operation stands. The last two are final."""

    PENDING = 0
    """Accepted, not applied yet."""
    PROCESSING = 1
    """Being applied. Nobody sees it today: that takes one transaction, which ends it, too."""
    COMPLETED = 2
    """The money has moved; the journal entry has the operation's idempotency key."""
    FAILED = 3
    """Refused for good, for `reason`."""


class Operation(models.Model):
    """A movement of money that was accepted. Everything the command needs stands here.

    Has no foreign key: a check of the wallet's row would wait for whoever moves its money.
    """

    id = models.BigAutoField(primary_key=True)
    """The order of acceptance. Drawn while the caller waits for his answer, so whatever is accepted
    after that answer has a higher one, in whichever process."""
    operation_id = BinaryUUIDField(unique=True)
    """UUIDv7; callers know it as `operationId`."""
    client = models.PositiveIntegerField()
    actor = models.CharField(max_length=64)
    """Who asked: `key:<prefix>`."""
    kind = models.CharField(max_length=24)
    """What is to happen, as the journal spells it: `deposit`, `withdrawal`, `transfer`."""
    wallet = BinaryUUIDField()
    """The wallet it is queued with; of a transfer, the one that is debited."""
    counterparty = BinaryUUIDField()
    """The other wallet, or the house account of the payment rail."""
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    """Minor units, above zero."""
    reference = models.CharField(max_length=255, blank=True, default="")
    channel = models.CharField(max_length=32)
    description = models.CharField(max_length=255, null=True)
    """Kept until it is applied: after that the journal entry has it, and may erase it."""
    metadata = models.JSONField(null=True)
    """Kept until it is applied, like the description."""
    value_date = models.DateField(null=True)
    idempotency_key = DigestField(unique=True)
    request_hash = DigestField()
    status = models.SmallIntegerField(choices=OperationStatus, default=OperationStatus.PENDING)
    reason = models.CharField(max_length=40, blank=True, default="")
    """Why it failed: the code of a class in `wallets/errors.py`."""
    created_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["wallet", "id"], name="operation_by_wallet"),
            models.Index(fields=["wallet", "status", "id"], name="operation_queue"),
            models.Index(fields=["status", "id"], name="operation_by_status"),
        ]

    def __str__(self) -> str:
        return str(self.operation_id)
