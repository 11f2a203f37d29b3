"""Wallets, and the refusals that are final for their keys."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from wallet_project.kit.append_only import AppendOnlyModel
from wallet_project.kit.fields import BinaryUUIDField, ByteTextField, DigestField
from wallets.models.clients import Client


class WalletStatus(models.TextChoices):
    """What a wallet lets happen to it."""

    ACTIVE = "ACTIVE"
    """Takes credits and debits."""
    FROZEN = "FROZEN"
    """Refuses both, until someone unfreezes it."""
    CLOSED = "CLOSED"
    """Empty for good; refuses everything."""


class Wallet(models.Model):
    """A customer's money with one client, in one currency. The only hot row of the service."""

    id = BinaryUUIDField(primary_key=True)
    """UUIDv7; also the id of the wallet's account in the ledger."""
    client = models.ForeignKey(
        Client,
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="wallets",
    )
    user_id = ByteTextField(max_length=255, null=True)
    """The client's own name for the customer; need not be unique."""
    reference = ByteTextField(max_length=64, null=True)
    """The client's own name for the wallet; unique per client, compared by bytes."""
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=6, choices=WalletStatus, default=WalletStatus.ACTIVE)
    frozen_by_operator = models.BooleanField(default=False, db_default=False)
    """Frozen by staff, a rule or the auditor: the client whose wallet it is cannot undo that."""
    balance = models.BigIntegerField(default=0)
    """Minor units. A projection of the ledger, updated with `F()` in the posting's transaction."""
    held = models.BigIntegerField(default=0)
    """Minor units set aside by active holds."""
    next_hold_expiry = models.DateTimeField(null=True)
    """No active hold expires before this moment; NULL: none ever does. It may be too early."""
    overdraft_limit = models.BigIntegerField(default=0)
    """Minor units the balance may lie below zero."""
    version = models.BigIntegerField(default=1)
    """Rises by one with every change of this row, each told by one event with this sequence."""
    posting_sequence = models.BigIntegerField(default=0)
    """Counts postings only; the sequence of the wallet's latest one."""
    last_posted_at = models.DateTimeField(null=True)
    metadata = models.JSONField(default=dict)
    idempotency_key = DigestField(null=True, unique=True)
    """Of the call that made the wallet; NULL when none was given."""
    request_hash = DigestField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["client", "reference"], name="wallet_reference"),
            models.CheckConstraint(
                condition=Q(balance__gte=F("held") - F("overdraft_limit")), name="wallet_floor"
            ),
            models.CheckConstraint(condition=Q(held__gte=0), name="wallet_held"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["client", "id"], name="wallet_by_client"),
            models.Index(fields=["client", "user_id", "id"], name="wallet_by_user"),
            models.Index(fields=["next_hold_expiry"], name="wallet_by_hold_expiry"),
        ]
        permissions: ClassVar = [
            ("freeze_wallet", "Can freeze wallet"),
            ("unfreeze_wallet", "Can unfreeze wallet"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def available(self) -> int:
        """Minor units that may leave the wallet now."""
        return self.balance - self.held + self.overdraft_limit


class Refusal(AppendOnlyModel):
    """A refusal decided under the wallet's lock. Final for its key, kept for 72 hours.

    Without it a refused command could still pay through an older attempt that was stuck somewhere,
    and "4xx has no effect" would be a lie.
    """

    purgeable = True

    idempotency_key = DigestField(primary_key=True)
    request_hash = DigestField()
    client = models.PositiveIntegerField()
    code = models.CharField(max_length=40)
    """The code of a class in `wallets/errors.py`."""
    numbers = models.JSONField()
    """What the answer needs to be told again, amounts in minor units."""
    created_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.code
