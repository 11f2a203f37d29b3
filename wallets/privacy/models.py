"""What was erased and what was handed out: insert-only, and without any personal data."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from wallet_project.kit.append_only import AppendOnlyModel
from wallet_project.kit.fields import BinaryUUIDField, DigestField


class PrivacyKind(models.TextChoices):
    """What was done with personal data."""

    ERASED = "ERASED", "Erased"
    EXPORTED = "EXPORTED", "Exported"


class PrivacyRecord(AppendOnlyModel):
    """One step of an erasure, written in the step's transaction; or one export."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    run = BinaryUUIDField()
    """UUIDv7; the same for all steps of one command."""
    kind = models.CharField(max_length=8, choices=PrivacyKind)
    client = models.PositiveIntegerField()
    subject = DigestField(null=True)
    """Of the client and its name for the user, with the service's secret: tells a user again whom
    somebody asks about, and names nobody. NULL: the wallet had no user."""
    wallet = BinaryUUIDField(null=True)
    """NULL: an export of all of a user's wallets."""
    actor = models.CharField(max_length=64)
    """`command:<name>`."""
    reason = models.CharField(max_length=500)
    counts = models.JSONField()
    """How many rows of which kind."""
    is_complete = models.BooleanField()
    """Whether the wallet was done with this step, or the export written to its end."""

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["client", "subject", "id"], name="privacy_by_subject"),
            models.Index(fields=["wallet", "id"], name="privacy_by_wallet"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.wallet or self.run}"
