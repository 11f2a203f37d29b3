"""Where customers want to be told what, and what is on its way to them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from wallet_project.kit.fields import BinaryUUIDField
from wallet_project.kit.sending import ToBeSent


class Kind(models.TextChoices):
    """What a customer can be told of."""

    MONEY_IN = "MONEY_IN", "Money in"
    MONEY_OUT = "MONEY_OUT", "Money out"
    LOW_BALANCE = "LOW_BALANCE", "Low balance"
    LARGE_WITHDRAWAL = "LARGE_WITHDRAWAL", "Large withdrawal"
    FROZEN = "FROZEN", "Wallet frozen"
    PAYOUT_DELAYED = "PAYOUT_DELAYED", "Payout delayed"
    PAYOUT_REFUSED = "PAYOUT_REFUSED", "Payout refused"


class Contact(models.Model):
    """How the holder of a wallet can be reached. The one place where addresses are kept."""

    wallet = BinaryUUIDField(primary_key=True)
    client = models.PositiveIntegerField()
    email = models.CharField(max_length=254, default="", blank=True)
    phone = models.CharField(max_length=16, default="", blank=True)
    push_token = models.CharField(max_length=255, default="", blank=True)
    kinds = models.JSONField(default=list)
    """Names of `Kind`: what the holder has asked for; nothing else is sent."""
    low_balance = models.BigIntegerField(null=True)
    """Minor units: below this the balance is low."""
    large_withdrawal = models.BigIntegerField(null=True)
    """Minor units: from this on a withdrawal is large."""
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"contact of {self.wallet}"


class Notification(ToBeSent):
    """One thing to be told once, over one channel. The address is looked up when it is sent."""

    event_id = BinaryUUIDField()
    kind = models.CharField(max_length=16, choices=Kind)
    wallet = BinaryUUIDField(db_index=True)
    channel = models.CharField(max_length=16)
    """A name of the setting NOTIFICATION_CHANNELS."""
    numbers = models.JSONField()
    """What the template tells: amounts and times, no addresses, no texts of people."""
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["event_id", "kind", "wallet", "channel"], name="notification_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} over {self.channel}"
