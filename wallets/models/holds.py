"""Money that is set aside: still the wallet's, and not available."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from wallet_project.kit.fields import BinaryUUIDField, ByteTextField, DigestField
from wallets.models.wallets import Wallet


class HoldStatus(models.TextChoices):
    """Where a hold stands. Only an active one counts, and every other status is for good."""

    ACTIVE = "ACTIVE"
    """Counts against what is available."""
    CAPTURED = "CAPTURED"
    """Some or all of it has left the wallet; what was left of it is available again."""
    VOIDED = "VOIDED"
    """Given up; all of it is available again."""
    EXPIRED = "EXPIRED"
    """Its time has passed; all of it is available again."""


class HoldOwner(models.TextChoices):
    """Who ends a hold."""

    CALLER = ""
    """The client, by capture or void."""
    PAYOUT = "payout"
    """The payout of the same id; nobody else can."""


class Hold(models.Model):
    """Part of a wallet's balance, set aside. Every step locks the wallet first.

    What a hold is never changes, but for texts that are erased; how it ended is written once, by
    an update guarded by its status.
    """

    id = BinaryUUIDField(primary_key=True)
    """UUIDv7."""
    wallet = models.ForeignKey(
        Wallet,
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="holds",
    )
    client = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    """Minor units that were set aside."""
    owner = models.CharField(max_length=8, choices=HoldOwner, default=HoldOwner.CALLER, blank=True)
    channel = models.CharField(max_length=32)
    """The payment rail by which a capture leaves."""
    reference = ByteTextField(max_length=255)
    description = models.CharField(max_length=255, null=True)
    metadata = models.JSONField(null=True)
    expires_at = models.DateTimeField(null=True)
    """From this moment on it does not count, whether or not anybody has looked. NULL: never."""
    version = models.BigIntegerField()
    """The wallet's, when the hold was made."""
    created_at = models.DateTimeField()
    idempotency_key = DigestField(unique=True)
    request_hash = DigestField()
    status = models.CharField(max_length=8, choices=HoldStatus, default=HoldStatus.ACTIVE)
    captured = models.BigIntegerField(default=0)
    """Minor units that have left the wallet."""
    entry = BinaryUUIDField(null=True, unique=True)
    """The capture's journal entry; it captures one hold."""
    ended_at = models.DateTimeField(null=True)
    ended_version = models.BigIntegerField(null=True)
    """The wallet's, when the hold ended."""
    void_key = DigestField(null=True, unique=True)
    void_request_hash = DigestField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="hold_amount"),
            models.CheckConstraint(
                condition=Q(captured__gte=0) & Q(captured__lte=F("amount")), name="hold_captured"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["wallet", "id"], name="hold_by_wallet"),
            models.Index(fields=["wallet", "status", "expires_at"], name="hold_by_status"),
        ]
        permissions: ClassVar = [("void_hold", "Can void a hold")]

    def __str__(self) -> str:
        return str(self.id)
