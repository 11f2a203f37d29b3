"""What the live auditor has come to, and the wallets that it found wrong."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from wallet_project.kit.fields import BinaryUUIDField
from wallet_project.kit.sending import ToBeSent


class AuditorState(models.Model):
    """One row: how far the auditor has come."""

    postings_upto = models.BigIntegerField()
    """Every wallet with a posting up to this one was looked at since it was posted."""
    walked_upto = BinaryUUIDField(null=True)
    """The walk through all wallets has come to this one; NULL: it begins anew."""
    walk_began_at = models.DateTimeField()
    walk_ended_at = models.DateTimeField(null=True)
    """When the last walk through all of them was complete."""
    ran_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"up to posting {self.postings_upto}"


class LedgerAlert(ToBeSent):
    """A wallet that disagrees with the books. What is sent is the mail to operators."""

    wallet = BinaryUUIDField()
    client = models.PositiveIntegerField()
    findings = models.JSONField()
    """A sentence each, beginning with the invariant: `I2: wallet says …`."""
    is_frozen = models.BooleanField()
    """Whether the auditor froze the wallet; not if it was frozen, closed, or too spoilt for it."""
    found_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, db_index=True)
    """When the wallet was found right again. Until then there is no other alert of it."""

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["wallet", "resolved_at"], name="ledger_alert_by_wallet"),
        ]

    def __str__(self) -> str:
        return f"ledger alert {self.pk}"
