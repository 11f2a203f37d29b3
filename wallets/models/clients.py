"""Who may call, and with which keys."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from wallet_project.kit.fields import ByteTextField, DigestField


class Scope(models.TextChoices):
    """What an API key allows."""

    WALLETS_READ = "wallets:read"
    WALLETS_WRITE = "wallets:write"
    TRANSACTIONS_READ = "transactions:read"
    TRANSACTIONS_WRITE = "transactions:write"
    HOLDS_WRITE = "holds:write"
    PAYOUTS_WRITE = "payouts:write"
    WEBHOOKS_WRITE = "webhooks:write"
    LEDGER_READ = "ledger:read"
    EVENTS_READ = "events:read"


class Plan(models.Model):
    """How much a client may ask for."""

    name = models.CharField(max_length=32, unique=True)
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    """NULL: no limit."""
    withdrawals_per_minute = models.PositiveIntegerField(null=True, blank=True)
    """NULL: no limit."""

    class Meta:
        permissions: ClassVar = [("manage_plan", "Can make plans")]

    def __str__(self) -> str:
        return str(self.name)


class Client(models.Model):
    """A company or product that calls the API. Owns wallets and everything under them."""

    name = ByteTextField(max_length=40, unique=True)
    """`[a-z0-9-]`, never changed: house accounts carry it in their codes."""
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="clients")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        permissions: ClassVar = [("manage_client", "Can admit, suspend and activate clients")]

    def __str__(self) -> str:
        return str(self.name)


class ApiKey(models.Model):
    """A credential `prefix.secret`. The secret is 256 random bits and stored as a digest only."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="api_keys")
    prefix = ByteTextField(max_length=16, unique=True)
    """Not secret: names the key in logs, in the audit trail and in the admin."""
    secret_digest = DigestField()
    """SHA-256 of the secret. No slow hash: 256 random bits cannot be guessed."""
    scopes = models.JSONField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    networks = models.JSONField(null=True, blank=True)
    """From where it may be used, as `192.0.2.0/24`; NULL or empty: from anywhere. MySQL with GTIDs
    cannot add a column of JSON that has a default."""
    last_used_at = models.DateTimeField(null=True, blank=True)
    """Written at most once a minute by each process, so it may be two minutes late."""

    class Meta:
        verbose_name = "API key"
        permissions: ClassVar = [("manage_apikey", "Can make, rotate and revoke API keys")]

    def __str__(self) -> str:
        return str(self.prefix)
