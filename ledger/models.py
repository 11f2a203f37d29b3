"""The books, whose rows are inserted once and never change; below them, sums over the books.

No movement of money updates a balance here: an account's balance is its last posting's
`balance_after`, or a sum over its postings, so house accounts are never a hot row. The sums below
are made behind the writers' backs (`rollups.py`) and can be made anew from the postings.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from wallet_project.kit.append_only import AppendOnlyModel
from wallet_project.kit.fields import (
    BinaryUUIDField,
    ByteTextField,
    DigestField,
    WideIntegerField,
)


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


class Reversal(AppendOnlyModel):
    """Which entry took back how much of which: the index of `JournalEntry.reverses`.

    An index there would cost every movement its bytes, and hardly any is ever taken back.
    """

    entry_id = BinaryUUIDField(primary_key=True)
    """The entry that takes back."""
    reverses = BinaryUUIDField(db_index=True)
    """The entry that is taken back."""
    amount = models.BigIntegerField()
    """Minor units, above zero."""

    def __str__(self) -> str:
        return f"{self.amount} of {self.reverses}"


class Correction(AppendOnlyModel):
    """Which entry corrects which by hand. Unlike a reversal it is not held to the other's amount.

    The correcting entry's metadata say it too, so that seals cover it; this outlives an erasure.
    """

    entry_id = BinaryUUIDField(primary_key=True)
    """The entry that corrects."""
    corrects = BinaryUUIDField(db_index=True)
    """The entry that was wrong."""

    def __str__(self) -> str:
        return f"{self.entry_id} corrects {self.corrects}"


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


class Seal(AppendOnlyModel):
    """Proof of a range of postings: whoever changes one of them must make all later seals again.

    What the hashes cover, byte by byte, stands in `offline_verifier.py`.
    """

    number = models.BigIntegerField(primary_key=True)
    """1, 2, 3 … without a gap. Of two sealers one gets it."""
    after = models.BigIntegerField()
    """The range begins behind this posting id: where the seal before it ends."""
    upto = models.BigIntegerField()
    """And ends with this one."""
    postings = models.IntegerField()
    entries = models.IntegerField()
    totals = models.JSONField()
    """Sums of credits and of debits by currency, in minor units as texts."""
    late = models.JSONField(default=list)
    """Ids of postings that turned up in an earlier range after that was sealed; sealed here."""
    marks = models.BinaryField()
    """The beginning of each posting's digest, late ones first: tells which one was changed."""
    previous_hash = DigestField(unique=True)
    root_hash = DigestField(unique=True)
    sealed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"seal {self.number}"


class LedgerProof(AppendOnlyModel):
    """That somebody proved the books, and what came out."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    """When the proof ended."""
    prover = models.CharField(max_length=64)
    """`command:verify_ledger`, `task:audit_ledger`."""
    upto = models.BigIntegerField()
    """The last posting that was looked at."""
    sound = models.BooleanField()
    findings = models.PositiveIntegerField()
    seconds = models.PositiveIntegerField()
    """How long it took."""

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}: {'sound' if self.sound else 'not sound'}"


# --- Sums over the books, made by rollups.py. They may be removed and made anew. ----------------


class SettledMark(models.Model):
    """One row: up to which posting the books are complete, for who has not watched them himself."""

    id = models.SmallIntegerField(primary_key=True)
    settled = models.BigIntegerField()
    """No posting with an id up to this one can come any more."""
    candidate = models.BigIntegerField()
    """The highest id there was when `taken_at` was; it is settled when that is long enough ago."""
    taken_at = models.DateTimeField()
    """On the database's clock."""

    def __str__(self) -> str:
        return str(self.settled)


class RollUp(models.Model):
    """One row: how far the sums below go, and what the range of postings added last was like."""

    id = models.SmallIntegerField(primary_key=True)
    before = models.BigIntegerField(default=0)
    """The range added last begins behind this posting."""
    upto = models.BigIntegerField(default=0)
    """It ends with this one; every sum below has every posting up to it."""
    postings = models.BigIntegerField(default=0)
    """How many postings the range had."""
    total = WideIntegerField(default=0)
    """And the sum of their amounts."""
    late = models.BigIntegerField(default=0)
    """Postings found in a range that had been added without them. Anything but 0 is an alarm."""
    rolled_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.upto)


class BalanceSnapshot(models.Model):
    """What an account's postings up to one of them sum to."""

    account = models.OneToOneField(
        Account,
        primary_key=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
    )
    client = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    is_house = models.BooleanField()
    """House accounts have one that is always at the mark of the roll-up; a customer's account gets
    one every so many postings, to explain its balance from."""
    upto = models.BigIntegerField()
    """The id of the posting. Every posting of the account up to it is in the balance."""
    sequence = models.BigIntegerField(null=True)
    """That of the account's last posting in it; NULL on house accounts."""
    balance = WideIntegerField()
    """Minor units, credit positive."""
    made_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["is_house", "client", "currency"], name="snapshot_of_house"),
        ]

    def __str__(self) -> str:
        return f"{self.balance} after {self.upto}"


class CustomersTotal(models.Model):
    """What a client's customers have in a currency, by their own postings up to the mark."""

    id = models.BigAutoField(primary_key=True)
    client = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    balance = WideIntegerField()
    """Minor units, credit positive."""
    upto = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["client", "currency"], name="customers_total"),
        ]

    def __str__(self) -> str:
        return f"{self.balance} {self.currency}"


class DayTotal(models.Model):
    """What went through a house account on a day (UTC), by its postings up to the mark."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(
        Account,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    day = models.DateField()
    client = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    debits = WideIntegerField()
    """Minor units, not negative: money that came in by this account."""
    credits = WideIntegerField()
    """Minor units, not negative: money that left by it."""
    postings = models.BigIntegerField()
    upto = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["day", "account"], name="day_total"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "day"], name="day_by_account"),
            models.Index(fields=["client", "day"], name="day_by_client"),
        ]

    def __str__(self) -> str:
        return f"{self.day} of {self.account_id}"
