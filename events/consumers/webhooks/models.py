"""Where clients want to be told, what they are told, and how each try went."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from wallet_project.kit.fields import BinaryUUIDField, DigestField


class DisabledReason(models.TextChoices):
    """Why an endpoint is told nothing."""

    NONE = ""
    """It is told."""
    REQUESTED = "REQUESTED"
    """The client, or staff, switched it off."""
    FAILING = "FAILING"
    """It has failed for so long that nobody seems to be there."""
    GONE = "GONE"
    """It answered 410: it does not want to be told any more."""


class DeliveryStatus(models.IntegerChoices):
    """Where a delivery stands."""

    PENDING = 0
    """Waits for its next attempt, or is being attempted."""
    SUCCEEDED = 1
    """The receiver answered 2xx."""
    FAILED = 2
    """Every attempt of the schedule failed."""
    SKIPPED = 3
    """The endpoint was disabled when its time came."""
    CANCELLED = 4
    """The endpoint was removed."""


FINAL = (DeliveryStatus.SUCCEEDED, DeliveryStatus.FAILED, DeliveryStatus.SKIPPED)
"""What can be sent once more."""


class WebhookEndpoint(models.Model):
    """A URL of a client's that is told of events."""

    id = BinaryUUIDField(primary_key=True)
    client = models.PositiveIntegerField()
    url = models.CharField(max_length=2048)
    description = models.CharField(max_length=255, default="")
    event_types = models.JSONField(default=list)
    """Empty: every type, also those to come."""
    wallets = models.JSONField(default=list)
    """UUIDs as text; empty: every wallet of the client's."""
    currency = models.CharField(max_length=3, default="")
    """Empty: every currency."""
    minimum_amount = models.BigIntegerField(null=True)
    """Minor units of the currency; with a bound, events without an amount do not match."""
    maximum_amount = models.BigIntegerField(null=True)
    contact_email = models.CharField(max_length=254, default="")
    """Who hears of it when the service disables the endpoint."""
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=9, choices=DisabledReason, default="")
    disabled_at = models.DateTimeField(null=True)
    failures = models.IntegerField(default=0)
    """Attempts that failed since the last one that did not."""
    failing_since = models.DateTimeField(null=True)
    mail_due_at = models.DateTimeField(null=True)
    """When to tell the contact of the disabling; NULL: there is nothing to tell."""
    secret = models.TextField()
    """Sealed (`sealing.py`)."""
    former_secret = models.TextField(default="")
    """Sealed; signs too until the overlap of a rotation is over."""
    former_secret_until = models.DateTimeField(null=True)
    rotations = models.IntegerField(default=0)
    rotation_key = DigestField(null=True)
    """Of the call that made the present secret; the same call again does not make another."""
    idempotency_key = DigestField(null=True, unique=True)
    request_hash = DigestField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["client", "id"], name="webhook_by_client"),
            models.Index(fields=["mail_due_at"], name="webhook_mail_due"),
        ]
        permissions: ClassVar = [("switch_webhookendpoint", "Can switch webhook endpoints")]

    def __str__(self) -> str:
        return self.url


class WebhookDelivery(models.Model):
    """One event for one endpoint, its bytes frozen. Moves by guarded updates only."""

    id = BinaryUUIDField(primary_key=True)
    endpoint = models.ForeignKey(
        WebhookEndpoint,
        on_delete=models.PROTECT,
        # No foreign key in the database: inserting a delivery must not lock the endpoint's row.
        db_constraint=False,
        db_index=False,
        related_name="deliveries",
    )
    client = models.PositiveIntegerField()
    event_id = BinaryUUIDField()
    """`webhook-id`: the same in every attempt and every redelivery."""
    type = models.CharField(max_length=64)
    stream = BinaryUUIDField(null=True)
    """The wallet; NULL for a test."""
    occurred_at = models.DateTimeField()
    payload = models.BinaryField()
    """The body, signed anew with each attempt and never changed."""
    status = models.SmallIntegerField(choices=DeliveryStatus, default=DeliveryStatus.PENDING)
    attempts = models.IntegerField(default=0)
    """Begun so far, over all rounds of the schedule."""
    failures = models.IntegerField(default=0)
    """Of the present round: the place in the schedule of retries."""
    next_attempt_at = models.DateTimeField(null=True)
    """When it may be claimed: while an attempt runs, the end of its lease."""
    lease = BinaryUUIDField(null=True)
    """Whoever attempts it; what ends under another lease changes nothing here."""
    last_status_code = models.IntegerField(null=True)
    last_error = models.CharField(max_length=40, default="")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    """When it came to an end; archived by it later."""

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["endpoint", "event_id"], name="webhook_delivery_once"),
        ]
        indexes: ClassVar = [
            # With the endpoint, so that those that are busy are passed over without a look at rows.
            models.Index(
                fields=["status", "next_attempt_at", "endpoint"], name="webhook_delivery_due"
            ),
            models.Index(fields=["endpoint", "id"], name="webhook_delivery_list"),
            models.Index(fields=["endpoint", "status", "id"], name="webhook_delivery_status"),
            models.Index(fields=["endpoint", "occurred_at"], name="webhook_delivery_range"),
            models.Index(fields=["finished_at"], name="webhook_delivery_finished"),
        ]
        permissions: ClassVar = [("redeliver_webhookdelivery", "Can send webhooks again")]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class WebhookAttempt(models.Model):
    """One try to deliver, noted before it is made: a process that dies leaves its trace."""

    id = models.BigAutoField(primary_key=True)
    delivery = models.ForeignKey(
        WebhookDelivery,
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="log",
    )
    number = models.IntegerField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    duration_ms = models.IntegerField(null=True)
    status_code = models.IntegerField(null=True)
    error = models.CharField(max_length=40, default="")
    """One of `sending.Failure`, or empty where the receiver answered 2xx."""
    response = models.BinaryField(default=b"")
    """The beginning of what the receiver answered."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["delivery", "number"], name="webhook_attempt_number"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number}"
