"""The switch, the limits, and how much of them has been used."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from wallet_project.kit.fields import BinaryUUIDField


class WriteSwitch(models.Model):
    """One row: whether money may move at all."""

    THE_ROW: ClassVar[int] = 1

    id = models.PositiveSmallIntegerField(primary_key=True)
    is_paused = models.BooleanField()
    lets_finish = models.BooleanField(default=False)
    """While paused: what was accepted before is done all the same. This is how a service drains."""
    reason = models.CharField(max_length=500)
    changed_by = models.CharField(max_length=64)
    """As the audit log names it."""
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        if not self.is_paused:
            return "running"
        return "draining" if self.lets_finish else "paused"


class Limit(models.Model):
    """What may leave a wallet: one wallet's own, or what a client's wallets of a currency have.

    Amounts are minor units; NULL: no limit of this kind, or what the client's default says.
    """

    scope = BinaryUUIDField(primary_key=True)
    """The wallet's id; for a default a number made of client and currency."""
    client = models.PositiveIntegerField()
    wallet = BinaryUUIDField(null=True)
    currency = models.CharField(max_length=3)
    per_operation = models.BigIntegerField(null=True)
    per_day = models.BigIntegerField(null=True)
    per_month = models.BigIntegerField(null=True)
    count_per_day = models.BigIntegerField(null=True)
    changed_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["client"], name="limit_by_client")]
        permissions: ClassVar = [("set_limit", "Can set what may leave wallets")]

    def __str__(self) -> str:
        return str(self.wallet or f"{self.client} {self.currency}")


class LimitUse(models.Model):
    """What has left a wallet that has limits: of the latest day and month on which anything did.

    Changed in the transaction that moves the money, while the wallet's row is locked.
    """

    wallet = BinaryUUIDField(primary_key=True)
    day = models.DateField()
    day_amount = models.BigIntegerField()
    day_count = models.BigIntegerField()
    month = models.DateField()
    """Its first day."""
    month_amount = models.BigIntegerField()

    def __str__(self) -> str:
        return str(self.wallet)
