"""Requests for approval, and how much each role may ask for and approve."""

from __future__ import annotations

from typing import ClassVar, Final

from django.db import models
from django.db.models import F, Q

from wallet_project.kit.fields import BinaryUUIDField, DigestField
from wallet_project.kit.kept import KeptModel


class Status(models.TextChoices):
    """How far a request has come."""

    PENDING = "PENDING", "Waiting"
    APPROVED = "APPROVED", "Approved"
    """Decided; its effect is under way."""
    CARRIED_OUT = "CARRIED_OUT", "Carried out"
    FAILED = "FAILED", "Failed"
    REJECTED = "REJECTED", "Rejected"
    EXPIRED = "EXPIRED", "Expired"
    WITHDRAWN = "WITHDRAWN", "Withdrawn"


MOVES: Final[dict[Status, frozenset[Status]]] = {
    Status.PENDING: frozenset({Status.APPROVED, Status.REJECTED, Status.EXPIRED, Status.WITHDRAWN}),
    Status.APPROVED: frozenset({Status.CARRIED_OUT, Status.FAILED}),
}
"""From where to where; triggers hold the same table. What is not named here is final."""


class Approval(KeptModel):
    """Something that one person asks for and another one decides about.

    What is asked for never changes after the insert; triggers and the hash see to it.
    """

    changing_columns = (
        *("status", "decided_by", "decided_by_name", "decided_at", "decision_note", "allowed"),
        *("attempts", "tried_at", "finished_at", "outcome", "transaction_id", "failure"),
    )

    id = BinaryUUIDField(primary_key=True)
    kind = models.CharField(max_length=40)
    client = models.PositiveIntegerField(null=True)
    """NULL: it is about no single client."""
    subject = models.CharField(max_length=100)
    """What it is about, by id: a wallet, an entry, a period."""
    payload = models.TextField()
    """Canonical JSON: what to do, as the kind understands it."""
    payload_hash = DigestField()
    """SHA-256 over all that is asked for; computed again before anything is done."""
    amount_minor = models.BigIntegerField(null=True)
    """Minor units, above zero; what the limits are about. NULL: no money is moved."""
    currency = models.CharField(max_length=3, default="")
    reason = models.CharField(max_length=500)
    ticket = models.CharField(max_length=100)
    requested_by = models.PositiveIntegerField()
    """The number of the account."""
    requested_by_name = models.CharField(max_length=150)
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    """By the database's clock; from then on it cannot be approved."""

    status = models.CharField(max_length=11, choices=Status, default=Status.PENDING)
    decided_by = models.PositiveIntegerField(null=True)
    decided_by_name = models.CharField(max_length=150, default="")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=500, default="")
    allowed = models.CharField(max_length=200, default="")
    """What the checker allows besides, of the kind's options: codes with blanks between them."""
    attempts = models.PositiveIntegerField(default=0)
    tried_at = models.DateTimeField(null=True)
    """When its effect was tried last."""
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=255, default="")
    transaction_id = BinaryUUIDField(null=True)
    """The entry that came of it."""
    failure = models.CharField(max_length=500, default="")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("requested_by")),
                name="approval_by_another_person",
            ),
            models.CheckConstraint(
                condition=Q(status__in=("PENDING", "EXPIRED", "WITHDRAWN"))
                | Q(decided_by__isnull=False),
                name="approval_decided_by_somebody",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["status", "id"], name="approval_queue"),
            models.Index(fields=["status", "expires_at"], name="approval_by_expiry"),
            models.Index(fields=["status", "tried_at"], name="approval_by_try"),
            models.Index(fields=["subject", "id"], name="approval_by_subject"),
        ]
        permissions: ClassVar = [
            ("request_approval", "Can ask for what needs a second person"),
            ("decide_approval", "Can approve and reject what others ask for"),
            ("request_correction", "Can ask for adjustments and reversals"),
            ("approve_correction", "Can approve adjustments and reversals"),
            ("request_unfreezing", "Can ask for a wallet to be unfrozen"),
            ("request_plan_change", "Can ask for a client's plan to be changed"),
            ("approve_plan_change", "Can approve that a client's plan is changed"),
            ("request_rebuild", "Can ask for balances to be rebuilt"),
            ("approve_rebuild", "Can approve that balances are rebuilt"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    def allows(self, option: str) -> bool:
        """Tell whether the checker allowed one of the kind's options."""
        return option in self.allowed.split()


class ApprovalLimit(models.Model):
    """How much a role may ask for and approve in one request; changed by superusers only."""

    role = models.CharField(max_length=150)
    currency = models.CharField(max_length=3)
    request_max = models.BigIntegerField(
        null=True, blank=True, help_text="Minor units. Empty: no limit."
    )
    approve_max = models.BigIntegerField(
        null=True, blank=True, help_text="Minor units. Empty: no limit."
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["role", "currency"], name="approval_limit_by_role")
        ]

    def __str__(self) -> str:
        return f"{self.role}, {self.currency}"
