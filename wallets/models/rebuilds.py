"""Runs of the command that rebuilds balances, each with how far it has come."""

from __future__ import annotations

from django.db import models

from wallet_project.kit.fields import BinaryUUIDField, DigestField


class BalanceRebuild(models.Model):
    """One run. Its numbers change in the transactions that mend, so a killed run loses none."""

    scope = models.JSONField()
    """What was asked for: wallets, client, and whether it only looks."""
    scope_digest = DigestField()
    """SHA-256 over the scope: the same question goes on with the same run."""
    actor = models.CharField(max_length=64)
    reason = models.CharField(max_length=500)
    last_wallet = BinaryUUIDField(null=True)
    """Every wallet of the scope up to this id is done."""
    wallets = models.BigIntegerField(default=0)
    """How many were looked at."""
    differing = models.BigIntegerField(default=0)
    """Wallets that were not as the books say, or could not be compared."""
    mended = models.BigIntegerField(default=0)
    left = models.BigIntegerField(default=0)
    """Wallets that were left as they are, because the books cannot tell how they should be."""
    started_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"run {self.pk}"
