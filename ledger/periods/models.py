"""Months that are closed, with what they came to; and sums over the books, made behind writers."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from wallet_project.kit.append_only import AppendOnlyModel
from wallet_project.kit.fields import BinaryUUIDField, DigestField, WideIntegerField


class Calendar(models.Model):
    """A client's days and months: one row, which the write path reads and never locks."""

    client = models.PositiveIntegerField(primary_key=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    """In which the client's days begin and end, as the IANA database names it."""
    barred_through = models.DateField(null=True)
    """Value dates up to this one are refused: of closed months, and of the one being closed."""
    closed_through = models.DateField(null=True)
    """The last day of the last closed month."""
    closing_since = models.DateTimeField(null=True)
    """When the month being closed was barred, on the database's clock; NULL: none is."""
    closing_upto = models.BigIntegerField(null=True)
    """The posting behind which none can have a value date in it; NULL: not known yet."""
    closing_by = models.CharField(max_length=64, blank=True, default="")
    closing_reason = models.CharField(max_length=500, blank=True, default="")
    trouble = models.CharField(max_length=500, blank=True, default="")
    """Why the month being closed cannot be, as found at the last try."""

    class Meta:
        permissions: ClassVar = [
            ("close_period", "Can close a month"),
            ("request_reopening", "Can ask for opening a month again"),
            ("approve_reopening", "Can allow opening a month again"),
            ("set_time_zone", "Can set the time zone of a client's days"),
        ]

    def __str__(self) -> str:
        return f"client {self.client}"


class Close(AppendOnlyModel):
    """That a month was closed, and as which version: opened again and closed, it gets another."""

    id = models.BigAutoField(primary_key=True)
    client = models.PositiveIntegerField()
    month = models.DateField()
    """Its first day."""
    version = models.PositiveIntegerField()
    """1, 2, 3 … of the month."""
    upto = models.BigIntegerField()
    """Every posting with a value date in the month has an id up to this one."""
    postings = models.BigIntegerField()
    """How many the month has."""
    figures_hash = DigestField()
    """SHA-256 over the figures, and over the hash of the client's close before this one."""
    previous_hash = DigestField(null=True)
    closed_at = models.DateTimeField()
    actor = models.CharField(max_length=64)
    """Who asked for it: `staff:<id>`, `command:<name>`."""
    reason = models.CharField(max_length=500)

    class Meta:
        verbose_name = "closed month"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["client", "month", "version"], name="close_version"),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} of client {self.client}, version {self.version}"


class ClosingFigure(AppendOnlyModel):
    """What the accounts of a class came to in a closed month; minor units, by value date."""

    id = models.BigAutoField(primary_key=True)
    close = models.ForeignKey(
        Close, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    currency = models.CharField(max_length=3)
    account_class = models.CharField(max_length=16)
    """`Wallets`, `External`, `Payouts`, `Fees` …"""
    opening = WideIntegerField()
    """Before the first day; credit positive."""
    debits = WideIntegerField()
    credits = WideIntegerField()
    closing = WideIntegerField()
    """After the last day; credit positive."""
    postings = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.account_class} {self.closing} {self.currency}"


class Reopening(AppendOnlyModel):
    """That a closed month was opened again. The close stays on record."""

    close = models.OneToOneField(
        Close, primary_key=True, on_delete=models.DO_NOTHING, db_constraint=False
    )
    reopened_at = models.DateTimeField()
    actor = models.CharField(max_length=64)
    """Who asked for it."""
    approved_by = models.CharField(max_length=64)
    """Who allowed it: somebody else."""
    reason = models.CharField(max_length=500)

    def __str__(self) -> str:
        return f"close {self.close_id} opened again"


# --- Sums over the books, made by adding.py. They may be removed and made anew. -----------------


class Progress(models.Model):
    """One row: up to which posting the sums below go."""

    id = models.SmallIntegerField(primary_key=True)
    upto = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.upto)


class DaySum(models.Model):
    """What went through a line of the books, by the day of posting (UTC) and by value date.

    A line is a house account, or all customers of a client in a currency: account zero.
    """

    id = models.BigAutoField(primary_key=True)
    client = models.PositiveIntegerField()
    posted_on = models.DateField()
    valued_on = models.DateField()
    account = BinaryUUIDField()
    currency = models.CharField(max_length=3)
    debits = WideIntegerField()
    """Minor units, not negative; so are credits."""
    credits = WideIntegerField()
    postings = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["client", "posted_on", "valued_on", "account", "currency"],
                name="day_sum",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["client", "valued_on"], name="day_sum_by_value"),
        ]

    def __str__(self) -> str:
        return f"{self.valued_on} of {self.account}"


class QuarterSum(models.Model):
    """What went through a line of the books in a quarter of an hour, by the time of posting.

    Days of every time zone begin at a full quarter of an hour UTC.
    """

    id = models.BigAutoField(primary_key=True)
    client = models.PositiveIntegerField()
    slot = models.DateTimeField()
    """When the quarter begins."""
    account = BinaryUUIDField()
    currency = models.CharField(max_length=3)
    debits = WideIntegerField()
    credits = WideIntegerField()
    postings = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["client", "slot", "account", "currency"], name="quarter_sum"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.slot} of {self.account}"
