"""The books. Every row is inserted once and never changes.

No table here holds a balance that is updated: an account's balance is its last posting's
`balance_after`, or a sum over its postings, so house accounts are never a hot row.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from wallet_project.kit.append_only import AppendOnlyModel
from wallet_project.kit.fields import BinaryUUIDField, ByteTextField, DigestField


class NormalSide(models.TextChoices):
    """The side on which an account grows."""

    CREDIT = "credit"
    """Liabilities and income: what we owe. Customers' wallets."""
    DEBIT = "debit"
    """Assets and expenses: what we own. Money that came in from outside."""


class Account(AppendOnlyModel):
    """A line in the chart of accounts. What it stands for is its owner's business."""

    id = BinaryUUIDField(primary_key=True)
    """A wallet's account has the wallet's id."""
    code = ByteTextField(max_length=150, unique=True)
    """Opaque here: `wallet:<uuid>`, `<client>:external:<channel>:USD`."""
    client = models.PositiveIntegerField()
    """Whose books it belongs to."""
    currency = models.CharField(max_length=3)
    normal_side = models.CharField(max_length=6, choices=NormalSide)
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["client", "currency"], name="account_by_client")]

    def __str__(self) -> str:
        return str(self.code)


class JournalEntry(AppendOnlyModel):
    """One movement of money, and at once the idempotency record of the command that made it."""

    redactable_columns = ("description", "metadata", "note_salt")

    id = BinaryUUIDField(primary_key=True)
    """UUIDv7; callers know it as `transactionId`."""
    kind = models.CharField(max_length=24)
    """What happened, in the words of the app that posted it: `deposit`, `transfer`."""
    idempotency_key = DigestField(unique=True)
    """SHA-256 over client, scope and the caller's key: bytes, so `Key-A` and `key-a` differ."""
    request_hash = DigestField()
    """SHA-256 over the parsed command: tells a repeat from another command with the same key."""
    client = models.PositiveIntegerField()
    actor = models.CharField(max_length=64)
    """Who asked: `key:<prefix>`, `staff:<id>`, `command:<name>`."""
    reference = models.CharField(max_length=255, blank=True, default="")
    """The caller's own reference, shown as `referenceId`."""
    channel = models.CharField(max_length=32)
    """The payment rail the money came in or left by."""
    description = models.CharField(max_length=255, null=True)
    metadata = models.JSONField(null=True)
    note_salt = models.BinaryField(max_length=16, null=True)
    note_hash = DigestField(null=True)
    """SHA-256 over salt, description and metadata: survives the erasure of all three."""
    reverses = BinaryUUIDField(null=True)
    """The entry this one takes back, wholly or in part."""
    posted_at = models.DateTimeField()
    """The primary's clock; strictly rising within an account."""
    value_date = models.DateField()
    """The day that counts for the books of the month."""

    class Meta:
        verbose_name_plural = "journal entries"

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Posting(AppendOnlyModel):
    """One line of an entry: an amount on an account. An account has at most one line per entry."""

    id = models.BigAutoField(primary_key=True)
    entry = models.ForeignKey(
        JournalEntry,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
    )
    account = models.ForeignKey(
        Account,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    amount = models.BigIntegerField()
    """Minor units, signed: credit positive, debit negative. An entry's lines sum to zero."""
    balance_after = models.BigIntegerField(null=True)
    """Minor units, credit positive; NULL on house accounts, which nobody locks."""
    sequence = models.BigIntegerField(null=True)
    """Counts the account's postings from 1 without a gap; NULL on house accounts."""
    version = models.BigIntegerField(null=True)
    """The version the account's owner reached by this posting; NULL on house accounts."""
    posted_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "sequence"], name="posting_sequence"),
        ]
        indexes: ClassVar = [
            # A balance at any past moment is one look-up in this index.
            models.Index(fields=["account", "posted_at", "sequence"], name="posting_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.amount:+d} on {self.account_id}"
