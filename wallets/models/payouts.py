"""Payouts: money on its way to the outside by a payment gateway."""

from __future__ import annotations

from typing import ClassVar, Final

from django.db import models

from wallet_project.kit.fields import BinaryUUIDField, ByteTextField


class PayoutStatus(models.TextChoices):
    """Where a payout stands. The money is held until it is PAID or REFUSED, which are for good."""

    PENDING = "PENDING"
    """Waits to be sent to the gateway."""
    SENDING = "SENDING"
    """Is being sent; what came of it is known when the sender says so, or has been asked for."""
    UNKNOWN = "UNKNOWN"
    """Was sent, and no answer came: the gateway will be asked what it knows of it."""
    CAPTURING = "CAPTURING"
    """The gateway has paid; the books are about to say so."""
    RELEASING = "RELEASING"
    """The gateway has refused; the money is about to be available again."""
    PAID = "PAID"
    REFUSED = "REFUSED"


OPEN: Final = (
    PayoutStatus.PENDING,
    PayoutStatus.SENDING,
    PayoutStatus.UNKNOWN,
    PayoutStatus.CAPTURING,
    PayoutStatus.RELEASING,
)
"""The statuses in which something is still to be done."""


class Payout(models.Model):
    """One payout and its saga. Its hold has the same id; amount and terms stand there as well.

    Every step is an update guarded by the status before it.
    """

    id = BinaryUUIDField(primary_key=True)
    """UUIDv7; the hold's too, and the idempotency key at the gateway."""
    client = models.PositiveIntegerField()
    wallet = BinaryUUIDField()
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    channel = models.CharField(max_length=32)
    reference = ByteTextField(max_length=255)
    destination = models.JSONField()
    """Whatever the gateway needs to find the payee. No event and no log tells it."""
    status = models.CharField(max_length=9, choices=PayoutStatus, default=PayoutStatus.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    """How often the gateway was asked for anything."""
    next_attempt_at = models.DateTimeField(null=True)
    """When somebody takes the next step; while one is being taken, when it counts as lost."""
    delayed_at = models.DateTimeField(null=True)
    """When it first had to wait, which is told once."""
    reason = models.CharField(max_length=64, default="", blank=True)
    """Why it waits, or why it was refused; a word."""
    gateway_reference = models.CharField(max_length=255, default="", blank=True)
    entry = BinaryUUIDField(null=True)
    """The capture's journal entry."""
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["client", "id"], name="payout_by_client"),
            models.Index(fields=["wallet", "id"], name="payout_by_wallet"),
            models.Index(fields=["status", "next_attempt_at"], name="payout_by_time"),
        ]
        permissions: ClassVar = [("try_payout", "Can have a payout tried at once")]

    def __str__(self) -> str:
        return str(self.id)
