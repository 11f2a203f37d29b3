"""What fraud detection remembers: movements of late, the rules, alerts and what staff did."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from django.core.exceptions import ValidationError
from django.db import models

from events.consumers.fraud import thresholds
from wallet_project.kit.append_only import AppendOnlyModel
from wallet_project.kit.fields import BinaryUUIDField
from wallet_project.kit.money import UnknownCurrency, exponent_of
from wallet_project.kit.sending import ToBeSent


class Kind(models.TextChoices):
    """What happened to a wallet, as far as rules ask."""

    CREATED = "CREATED"
    DEPOSIT = "DEPOSIT"
    WITHDRAWAL = "WITHDRAWAL"
    SENT = "SENT"
    RECEIVED = "RECEIVED"


class RuleName(models.TextChoices):
    """The patterns that are looked for."""

    RAPID_WITHDRAWALS = "RAPID_WITHDRAWALS", "Rapid withdrawals"
    HIGH_VALUE = "HIGH_VALUE", "High value"
    YOUNG_DRAIN = "YOUNG_DRAIN", "Drain of a young wallet"
    CIRCULAR_TRANSFERS = "CIRCULAR_TRANSFERS", "Circular transfers"
    MANY_TO_ONE = "MANY_TO_ONE", "Many wallets to one"


class Action(models.TextChoices):
    """What happens by itself when a rule is met. Each also puts the alert into the queue."""

    REVIEW = "REVIEW", "Review"
    NOTIFY = "NOTIFY", "Notify by mail"
    FREEZE = "FREEZE", "Freeze the wallet and notify"


class AlertStatus(models.TextChoices):
    """What staff have made of an alert."""

    OPEN = "OPEN", "Open"
    CLEARED = "CLEARED", "Cleared"
    CONFIRMED = "CONFIRMED", "Confirmed"


class Observation(models.Model):
    """A fact as the rules see it; forgotten when it is older than every window."""

    event_id = BinaryUUIDField(primary_key=True)
    wallet = BinaryUUIDField()
    client = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind)
    amount = models.BigIntegerField()
    """Minor units; 0 where no money moved."""
    currency = models.CharField(max_length=3)
    balance = models.BigIntegerField()
    """Minor units, after the fact."""
    transaction_id = BinaryUUIDField(null=True)
    counterpart = BinaryUUIDField(null=True)
    """A transfer's other wallet; NULL until the other leg, another wallet's fact, has come too."""
    occurred_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["wallet", "occurred_at"], name="observation_by_wallet"),
            models.Index(fields=["transaction_id"], name="observation_by_transaction"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.wallet}"


class Turn(models.Model):
    """A row to lock: the facts of one client are judged one batch after the other.

    The two legs of a transfer, and the transfers of a circle, are facts of different wallets, so
    two processes may have them at the same time. Neither would see the other's half.
    """

    client = models.PositiveIntegerField(primary_key=True)

    def __str__(self) -> str:
        return f"client {self.client}"


class FraudRule(models.Model):
    """A rule's thresholds, for one currency or for all that have no row of their own."""

    rule = models.CharField(max_length=20, choices=RuleName)
    currency = models.CharField(
        max_length=3, blank=True, default="", help_text="Empty: every currency without a row."
    )
    thresholds = models.JSONField(
        help_text="Amounts are decimal strings, such as &quot;1000&quot;."
    )
    action = models.CharField(max_length=6, choices=Action, default=Action.REVIEW)
    enabled = models.BooleanField(default=True)

    class Meta:
        db_table = "fraud_rule"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["rule", "currency"], name="fraud_rule_by_currency")
        ]

    def __str__(self) -> str:
        return f"{self.get_rule_display()} {self.currency or '(default)'}"

    def clean(self) -> None:
        """Refuse a currency or thresholds that the rule could not be judged by."""
        if self.currency:
            try:
                exponent_of(self.currency)
            except UnknownCurrency as error:
                raise ValidationError({"currency": error.detail}) from error
        try:
            thresholds.read(self.rule, self.thresholds)
        except msgspec.ValidationError as error:
            raise ValidationError({"thresholds": str(error)}) from error


class FraudAlert(ToBeSent):
    """A rule was met. What is sent is the mail to the people who look after alerts."""

    rule = models.CharField(max_length=20, choices=RuleName)
    wallet = BinaryUUIDField()
    client = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    trigger_id = BinaryUUIDField()
    """What completed the pattern: an event's id, of circular transfers a transaction's."""
    triggered_at = models.DateTimeField()
    """When that happened."""
    action = models.CharField(max_length=6, choices=Action)
    evidence = models.JSONField()
    """`events`: ids of events; `numbers`: what was counted, and the threshold it reached."""
    status = models.CharField(max_length=9, choices=AlertStatus, default=AlertStatus.OPEN)
    raised_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=150, default="")

    class Meta:
        db_table = "fraud_alert"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["rule", "wallet", "trigger_id"], name="fraud_alert_once"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["status", "id"], name="fraud_alert_queue"),
            models.Index(fields=["wallet", "triggered_at"], name="fraud_alert_by_wallet"),
        ]
        permissions: ClassVar = [("review_fraudalert", "Can decide about fraud alerts")]

    def __str__(self) -> str:
        return f"{self.get_rule_display()}, alert {self.pk}"


class Act(models.TextChoices):
    """What staff can do with an alert."""

    NOTE = "NOTE", "Note"
    CLEAR = "CLEAR", "Cleared"
    CONFIRM = "CONFIRM", "Confirmed"
    UNFREEZE = "UNFREEZE", "Unfreezing asked for"


class AlertAct(AppendOnlyModel):
    """Who did what about an alert, and when. Never changed."""

    alert = models.ForeignKey(FraudAlert, on_delete=models.PROTECT, related_name="+")
    act = models.CharField(max_length=8, choices=Act)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    text = models.TextField(max_length=2000, blank=True, default="")

    class Meta:
        db_table = "fraud_alert_act"

    def __str__(self) -> str:
        return f"{self.get_act_display()} by {self.by}"
